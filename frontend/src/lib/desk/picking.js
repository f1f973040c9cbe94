// Choosing rows for a change of several cases at once.
import { fill, texts } from "./texts.js";

/** Let rows be chosen: by one, by a span with Shift, or all that are shown. Returns {toggle(row, span), update()}. */
export function pickRows(rows) {
  const form = document.getElementById("bulk-form");
  if (!form) return { toggle() {}, update() {} };
  const all = document.getElementById("pick-all");
  const told = document.getElementById("picked");
  const hint = told.textContent;
  let last = null;

  const boxes = () => rows.all().map((row) => row.querySelector(".pick input")).filter(Boolean);

  function update() {
    const list = boxes();
    const chosen = list.filter((box) => box.checked).length;
    form.classList.toggle("some", chosen > 0);
    const text = chosen ? fill(texts().selected, { n: chosen }) : hint;
    if (told.textContent !== text) told.textContent = text;
    all.checked = chosen > 0 && chosen === list.length;
    all.indeterminate = chosen > 0 && chosen < list.length;
  }

  function spanTo(box) {
    const list = boxes();
    const [from, to] = [list.indexOf(last), list.indexOf(box)].sort((a, b) => a - b);
    if (from < 0) return;
    for (const each of list.slice(from, to + 1)) each.checked = box.checked;
  }

  all.hidden = false;
  all.addEventListener("change", () => {
    for (const box of boxes()) box.checked = all.checked;
    update();
  });
  rows.list.addEventListener("click", (event) => {
    const box = event.target.closest(".pick input");
    if (!box) return;
    if (event.shiftKey && last) spanTo(box);
    last = box;
    update();
  });
  update();
  return {
    update,
    toggle(row, span) {
      const box = row.querySelector(".pick input");
      if (!box) return;
      box.checked = span || !box.checked;
      if (span && last) spanTo(box);
      last = box;
      update();
    },
  };
}
