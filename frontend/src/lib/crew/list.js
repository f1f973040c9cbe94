// The round as the crew sees it: the stop that comes next, those after it, and those that are dealt with.
import { fill, say } from "../resident/texts.js";

const SERVED = ["collected", "late"];

// Returns the stops with what this phone has said since, which the server may not know yet. own: this phone's words.
export function stopsNow(run, own) {
  const said = new Map();
  for (const note of run.said) if (note.stop) said.set(note.stop, note.reason);
  for (const word of own) {
    if (word.run !== run.id || !word.stop) continue;
    if (word.back) said.get(word.stop) === word.reason && said.delete(word.stop);
    else if (word.state !== "refused") said.set(word.stop, word.reason);
  }
  return run.stops.map((stop) => {
    const reason = said.get(stop.id) || "";
    // An unknown outcome is a question: what the crew says settles it.
    const dealt = Boolean(reason) || !["expected", "unknown"].includes(stop.outcome);
    const served = SERVED.includes(stop.outcome) || reason === "done";
    return { ...stop, reason, dealt, served };
  });
}

export function timeOf(seconds, zone) {
  const options = { hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZone: zone };
  return new Date(seconds * 1000).toLocaleTimeString("en-GB", options);
}

export const titleOf = (stop) => (stop.name ? `${stop.number} · ${stop.name}` : stop.number);

export function whenOf(stop, zone) {
  const times = [say("planned", { time: timeOf(stop.planned_s, zone) })];
  if (stop.expected_s) {
    const [from, to] = stop.expected_s.map((moment) => timeOf(moment, zone));
    times.push(say("expected", { from, to }));
  }
  return times.join(" · ");
}

export function nearOf(stop) {
  const words = [];
  if (stop.near) words.push(say("near", { place: stop.near }));
  if (stop.lane) words.push(say("lane"));
  return words.join(" · ");
}

function row(stop, zone, choose, chosen) {
  const item = document.importNode(document.getElementById("stop-row").content, true).firstElementChild;
  const button = item.querySelector(".stop");
  const state = stop.reason ? say(`reason_${stop.reason}`) : say(stop.outcome);
  item.dataset.mark = stop.served ? "served" : stop.dealt ? "not" : stop.outcome === "unknown" ? "asked" : "coming";
  item.querySelector(".mark").textContent = { served: "✓", not: "–", asked: "?", coming: "" }[item.dataset.mark];
  item.querySelector("strong").textContent = titleOf(stop);
  item.querySelector(".near").textContent = nearOf(stop);
  item.querySelector(".how").textContent = stop.outcome === "expected" && !stop.reason ? "" : state;
  item.querySelector(".time").textContent = timeOf(stop.planned_s, zone);
  if (stop.id === chosen) button.setAttribute("aria-current", "true");
  button.addEventListener("click", () => choose(stop.id));
  return item;
}

let drawn = "";

// Draws the lists where something differs, so that no row goes away under a finger. choose(id): a stop was tapped.
export function drawList(stops, { zone, chosen, choose }) {
  const whole = JSON.stringify([stops, zone, chosen]);
  if (whole === drawn) return;
  drawn = whole;
  const dealt = stops.filter((stop) => stop.dealt);
  const coming = stops.filter((stop) => !stop.dealt);
  const bar = document.getElementById("progress");
  bar.max = Math.max(1, stops.length);
  bar.value = dealt.length;
  document.getElementById("progress-text").textContent = say("progress", { done: dealt.length, all: stops.length });
  fill(document.getElementById("coming"), ...coming.map((stop) => row(stop, zone, choose, chosen)));
  fill(document.getElementById("past-list"), ...dealt.map((stop) => row(stop, zone, choose, chosen)));
  document.getElementById("past-count").textContent = dealt.length;
  document.getElementById("past").hidden = !dealt.length;
}
