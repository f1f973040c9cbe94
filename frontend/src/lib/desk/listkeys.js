// The keys of the work list. They can be turned off, and never act while somebody types.
const OFF = "saat-keys-off";
const GO_MS = 1500;

function isOff() {
  try {
    return localStorage.getItem(OFF) === "1";
  } catch {
    return false;
  }
}

/** Listen to the keys that the page's own list of keys names. rows, picking: of the list; onMap(row): show it there. */
export function listKeys({ rows, picking, onMap }) {
  const dialog = document.getElementById("keys");
  const off = document.getElementById("keys-off");
  const opener = document.getElementById("show-keys");
  opener.hidden = false;
  opener.addEventListener("click", () => dialog.showModal());
  off.checked = isOff();
  off.addEventListener("change", () => {
    try {
      if (off.checked) localStorage.setItem(OFF, "1");
      else localStorage.removeItem(OFF);
    } catch {
      off.checked = false;
    }
  });
  let wentAt = 0;

  const current = () => rows.list.querySelector(".case-row.current") || document.activeElement?.closest?.(".case-row");

  function move(by) {
    const all = rows.all();
    const at = all.indexOf(current());
    const next = at < 0 ? all[0] : all[at + by];
    if (next) rows.current(next, { focus: true });
    else if (by > 0) document.querySelector("#more [data-more]")?.click();
  }

  const acts = {
    j: () => move(1),
    k: () => move(-1),
    t: () => current()?.querySelector(".next .button")?.click(),
    u: () => [...document.querySelectorAll("#messages form[data-undo] button, #messages form button")].at(-1)?.click(),
    x: (event) => current() && picking.toggle(current(), event.shiftKey),
    m: () => onMap(current()),
    n: () => {
      const first = rows.list.querySelector(".is-new");
      if (first) rows.current(first, { focus: true });
      else document.querySelector("#fresh a")?.click();
    },
    "/": () => document.getElementById("q").select(),
    "?": () => dialog.showModal(),
    l: () => performance.now() - wentAt < GO_MS && location.assign("/desk/"),
    d: () => performance.now() - wentAt < GO_MS && location.assign("/desk/duty/"),
  };

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (event.key === "Escape") closeMenus(event);
    if (event.target.closest("input:not([type=checkbox]), textarea, select, [contenteditable], .map")) return;
    if (document.querySelector("dialog[open]") || (isOff() && event.key !== "?")) return;
    const key = event.key.toLowerCase();
    if (key === "enter" && event.target === document.body && current()) {
      current().querySelector(".open-case").click();
      return;
    }
    if (key === "g") wentAt = performance.now();
    if (!(key in acts)) return;
    event.preventDefault();
    acts[key](event);
  });
  // Whatever way the focus came to a row, the keys act on that row.
  rows.list.addEventListener("focusin", (event) => {
    const row = event.target.closest(".case-row");
    if (row && !row.classList.contains("current")) rows.current(row);
  });
  document.addEventListener("click", closeMenus);
}

/** Close the menus that were not clicked; with Escape the one in which the focus is, which then goes back to its button. */
function closeMenus(event) {
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    const inside = menu.contains(event.target);
    if (event.type === "click" && inside) continue;
    menu.open = false;
    if (inside) menu.querySelector("summary").focus();
  }
}
