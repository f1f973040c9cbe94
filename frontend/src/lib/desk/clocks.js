// The clocks in the list count on, in the same words in which the server wrote them.
import { fill, texts } from "./texts.js";

const SOON_MS = 7_200_000;

/** Let all clocks below an element show the present, now and every quarter of a minute. */
export function runClocks(root) {
  tick(root);
  setInterval(() => !document.hidden && tick(root), 15_000);
  document.addEventListener("visibilitychange", () => !document.hidden && tick(root));
}

export function tick(root) {
  const words = texts().clock;
  const now = Date.now();
  for (const clock of root.querySelectorAll("[data-due]")) {
    const due = Date.parse(clock.dataset.due);
    if (Number.isNaN(due)) continue;
    const left = due - now;
    write(clock, fill(left < 0 ? words.late : words.left, { span: span(Math.abs(left), words) }));
    const row = clock.closest(".case-row");
    row.classList.toggle("late", left < 0);
    row.classList.toggle("soon", left >= 0 && left <= SOON_MS);
  }
  for (const reason of root.querySelectorAll("[data-since]")) {
    const waited = now - Date.parse(reason.dataset.since);
    if (waited >= 0) write(reason, fill(words.untaken, { span: span(waited, words) }));
  }
}

function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function span(ms, words) {
  const minutes = Math.floor(ms / 60_000);
  const days = Math.floor(minutes / 1440);
  const hours = Math.floor((minutes % 1440) / 60);
  const rest = minutes % 60;
  const unit = (name, n) => (n ? fill(words[name], { n }) : "");
  if (days) return [unit("day", days), unit("hour", hours)].filter(Boolean).join(" ");
  if (hours) return [unit("hour", hours), unit("minute", rest)].filter(Boolean).join(" ");
  return unit("minute", Math.max(1, rest));
}
