// The replay of a day: the slider is the clock; trucks stand where they were, stops as they were known.
import { fill, texts } from "../desk/texts.js";
import { mapBeside } from "./beside.js";

const SCALE = 100_000;
// Between two positions further apart in time nobody knows where a truck was.
const GAP_S = 240;
const FRAME_MS = 100;
const JUMP_S = 300;
const ORDER = ["risk", "missed", "unknown", "skipped", "partial", "late", "served", "expected"];
const MARK_OF = { c: "served", l: "late", p: "partial", m: "missed", s: "skipped", n: "skipped", x: "skipped", u: "unknown", e: "expected" };

/** Start the replay if this page is one. */
export function replay() {
  const page = document.getElementById("replay");
  if (page && document.getElementById("slider")) new Replay(page).start();
}

class Replay {
  constructor(page) {
    this.page = page;
    this.slider = document.getElementById("slider");
    this.button = document.getElementById("play");
    this.note = document.getElementById("replay-note");
    this.map = null;
  }

  async start() {
    this.tell(texts().loading);
    let day;
    try {
      const response = await fetch(this.page.dataset.tracks, { credentials: "same-origin" });
      if (!response.ok) throw new Error(String(response.status));
      day = await response.json();
    } catch {
      this.tell(texts().failed);
      return;
    }
    this.tell(day.note);
    this.begin = day.from;
    this.runs = day.runs.map((run) => ({ ...run, trucks: run.trucks.map(({ label, points }) => ({ label, points: decoded(points) })) }));
    this.plans = day.plans;
    this.clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", timeZone: day.zone });
    this.slider.max = String(Math.max(30, day.until - day.from));
    document.getElementById("replay-tools").hidden = false;
    this.controls();
    mapBeside({
      made: (map) => {
        this.map = map;
        this.show();
        map.fit();
      },
    });
    this.to(0);
  }

  tell(text) {
    this.note.textContent = text || "";
    this.note.hidden = !text;
  }

  controls() {
    this.slider.addEventListener("input", () => this.show());
    this.button.addEventListener("click", () => this.play(!this.timer));
    document.getElementById("back").addEventListener("click", () => this.to(this.at - JUMP_S));
    document.getElementById("on").addEventListener("click", () => this.to(this.at + JUMP_S));
    document.addEventListener("keydown", (event) => {
      if (event.key !== " " || event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.target.closest("button, a, select, summary, input:not([type=range]), textarea")) return;
      event.preventDefault();
      this.play(!this.timer);
    });
  }

  get at() {
    return Number(this.slider.value);
  }

  to(seconds) {
    this.slider.value = String(seconds);
    this.exact = Number(this.slider.value);
    this.show();
  }

  play(wanted) {
    clearInterval(this.timer);
    this.timer = null;
    if (wanted && this.at >= Number(this.slider.max)) this.to(0);
    this.button.setAttribute("aria-pressed", String(wanted));
    this.button.textContent = wanted ? texts().pause : texts().play;
    if (!wanted) return;
    this.exact = this.at;
    let before = performance.now();
    this.timer = setInterval(() => {
      const now = performance.now();
      if (Math.abs(this.exact - this.at) > 60) this.exact = this.at; // somebody moved the slider
      this.exact += ((now - before) / 1000) * Number(document.getElementById("speed").value);
      before = now;
      this.slider.value = String(this.exact);
      this.show();
      if (this.exact >= Number(this.slider.max)) this.play(false);
    }, FRAME_MS);
  }

  show() {
    const at = this.at;
    const time = this.clock.format(new Date((this.begin + at) * 1000));
    const runs = this.runs.map((run) => this.asOf(run, at));
    const numbers = {};
    for (const run of runs) for (const letter of run.marks) numbers[MARK_OF[letter]] = (numbers[MARK_OF[letter]] || 0) + 1;
    const told = ORDER.filter((mark) => numbers[mark]).map((mark) => `${numbers[mark]} ${texts().marks[mark]}`);
    document.getElementById("replay-time").textContent = time;
    this.slider.setAttribute("aria-valuetext", fill(texts().at_time, { time, told: told.join(", ") }));
    this.count(numbers);
    this.map?.show(runs, this.plans);
  }

  asOf(run, at) {
    const marks = new Array((this.plans[run.plan] || []).length || run.stops).fill("e");
    for (const [seconds, place, letter] of run.changes) {
      if (seconds > at) break;
      marks[place] = letter;
    }
    return { id: run.id, plan: run.plan, name: run.name, marks: marks.join(""), vehicles: run.trucks.map((truck) => placeOf(truck, at)).filter(Boolean) };
  }

  count(numbers) {
    const list = document.getElementById("replay-counts");
    list.replaceChildren(
      ...ORDER.filter((mark) => numbers[mark]).map((mark) => {
        const item = document.createElement("li");
        const shape = document.getElementById("stop-shapes").content.querySelector(`.mk-${mark}`);
        const number = Object.assign(document.createElement("b"), { textContent: numbers[mark] });
        item.append(shape.cloneNode(true), number, ` ${texts().marks[mark]}`);
        return item;
      }),
    );
  }
}

function decoded(points) {
  let [at, lat, lon] = [0, 0, 0];
  return points.map(([seconds, south, east]) => {
    at += seconds;
    lat += south;
    lon += east;
    return [at, lat / SCALE, lon / SCALE];
  });
}

/** Return where a truck was: between two positions in a straight line, silent where they are too far apart. */
function placeOf({ label, points }, at) {
  if (!points.length || at < points[0][0]) return null;
  let [low, high] = [0, points.length - 1];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (points[middle][0] <= at) low = middle;
    else high = middle - 1;
  }
  const [t, lat, lon] = points[low];
  const next = points[low + 1];
  const still = { label, lat, lon, state: "standing", text: label };
  if (!next) return at - t > GAP_S ? { ...still, state: "silent", text: `${label}: ${texts().quiet}` } : still;
  const stood = Math.abs(next[1] - lat) < 0.0002 && Math.abs(next[2] - lon) < 0.0002;
  if (next[0] - t > GAP_S && !stood) return { ...still, state: "silent", text: `${label}: ${texts().quiet}` };
  if (stood) return still;
  const share = (at - t) / (next[0] - t);
  const course = (Math.atan2((next[2] - lon) * Math.cos((lat * Math.PI) / 180), next[1] - lat) * 180) / Math.PI;
  return { label, lat: lat + (next[1] - lat) * share, lon: lon + (next[2] - lon) * share, state: "driving", course, text: label };
}
