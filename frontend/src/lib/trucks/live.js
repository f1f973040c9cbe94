// The runs of now: the server says when the follower wrote, and the page asks what changed.
import { fill, say, texts } from "../desk/texts.js";
import { mapBeside } from "./beside.js";

const LOST_AFTER_MS = 3_000;
const PAUSE_MS = 1_500;
// What is said about spans of time ("silent for 7 minutes") grows old although nothing is written.
const ANEW_MS = 60_000;

/** Start the page of now if this page is one. */
export function liveTrucks() {
  const page = document.getElementById("trucks-live");
  if (page) new Live(page).start();
}

class Live {
  constructor(page) {
    this.page = page;
    this.list = document.getElementById("runs");
    this.runs = new Map();
    this.plans = {};
    this.mark = texts().mark;
    this.order = null;
    this.map = null;
  }

  start() {
    this.beside = mapBeside({
      onRun: (id) => this.list.querySelector(`#run-${id}`)?.scrollIntoView({ block: "nearest" }),
      made: async (map) => {
        this.map = map;
        await this.fetch({ anew: true });
        map.fit();
      },
    });
    this.list.addEventListener("click", (event) => this.clicked(event));
    this.dress();
    for (const left of ["mouseleave", "focusout"]) this.list.addEventListener(left, () => setTimeout(() => this.arrange(), 50));
    document.addEventListener("visibilitychange", () => (document.hidden ? this.sleep() : this.wake()));
    this.wake();
    setInterval(() => !document.hidden && this.fetch({ anew: true }), ANEW_MS);
  }

  wake() {
    this.source ||= new EventSource(this.page.dataset.live);
    const badge = document.getElementById("live-state");
    badge.hidden = false;
    this.source.onopen = () => {
      clearTimeout(this.losing);
      this.losing = null;
      badge.classList.remove("lost");
      badge.textContent = texts().live;
      document.getElementById("lost").hidden = true;
      this.soon();
    };
    this.source.addEventListener("runs", () => this.soon());
    this.source.onerror = () => {
      badge.classList.add("lost");
      badge.textContent = "…";
      this.losing ||= setTimeout(() => {
        const banner = document.getElementById("lost");
        banner.textContent = texts().lost;
        banner.hidden = false;
      }, LOST_AFTER_MS);
      if (this.source?.readyState !== EventSource.CLOSED) return; // the browser tries again by itself
      this.sleep();
      setTimeout(() => !document.hidden && this.wake(), 5_000);
    };
  }

  sleep() {
    this.source?.close();
    this.source = null;
  }

  soon() {
    this.timer ||= setTimeout(() => {
      this.timer = null;
      this.fetch({});
    }, PAUSE_MS);
  }

  async fetch({ anew = false }) {
    const url = new URL(this.page.dataset.changed, location.href);
    url.search = texts().query;
    if (!anew && this.mark) url.searchParams.set("since", this.mark);
    let told;
    try {
      const response = await fetch(url, { credentials: "same-origin" });
      if (!response.ok) return;
      told = await response.json();
    } catch {
      return; // the stream's banner tells that the connection is lost
    }
    this.mark = told.mark || this.mark;
    if (anew) this.runs.clear();
    for (const run of told.runs) this.runs.set(run.id, run);
    this.say(told);
    for (const [id, html] of Object.entries(told.rows)) this.put(id, html);
    this.order = told.order;
    this.arrange();
    await this.draw();
  }

  say({ time, summary, groups }) {
    document.getElementById("truck-time").textContent = time;
    const line = document.getElementById("summary");
    const now = this.list.children.length ? summary : "";
    if (line.textContent !== now) line.textContent = now;
    for (const [level, number] of Object.entries(groups)) {
      const box = document.querySelector(`[data-level="${level}"] .number`);
      if (box) box.textContent = number;
    }
  }

  put(id, html) {
    const made = document.createElement("template");
    made.innerHTML = html;
    const row = made.content.firstElementChild;
    const known = document.getElementById(`run-${id}`);
    if (!known) this.list.append(row);
    else if (known.innerHTML !== row.innerHTML || known.className !== row.className) {
      const focused = known.contains(document.activeElement) ? document.activeElement.getAttribute("class") : null;
      known.replaceWith(row);
      this.dress(row);
      if (focused) row.querySelector(`[class="${focused}"]`)?.focus();
    }
    this.dress(row);
  }

  dress(row = this.list) {
    for (const button of row.querySelectorAll("[data-show-run]")) button.hidden = false;
  }

  /** Put the rows into their order, unless somebody is reading or pointing at one: then when they are done. */
  arrange() {
    if (!this.order) return;
    const wanted = new Set(this.order.map(String));
    const moves = this.list.matches(":hover, :focus-within");
    if (moves) return;
    for (const row of [...this.list.children]) if (!wanted.has(row.dataset.id)) row.remove();
    this.order.forEach((id, place) => {
      const row = document.getElementById(`run-${id}`);
      if (row && this.list.children[place] !== row) this.list.insertBefore(row, this.list.children[place] || null);
    });
    document.getElementById("nothing").hidden = this.list.children.length > 0;
  }

  async draw() {
    if (!this.map) return;
    const runs = [...this.runs.values()];
    if (runs.some((run) => !(run.plan in this.plans))) {
      const response = await fetch(this.page.dataset.places, { credentials: "same-origin" }).catch(() => null);
      if (response?.ok) this.plans = (await response.json()).plans;
    }
    this.map.show(runs, this.plans);
  }

  async clicked(event) {
    const button = event.target.closest("[data-show-run]");
    if (!button) return;
    const id = Number(button.closest(".run-row").dataset.id);
    const map = await this.beside.open();
    map?.lookAt(id);
    const run = this.runs.get(id);
    if (run) say(fill("{name}", run));
  }
}
