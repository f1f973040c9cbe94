// The map beside a list: there at once on a wide screen, on demand on a phone.
import { texts } from "../desk/texts.js";
import { showTrucks } from "./map.js";

/** Offer the map; made(map): it is there. Returns {open(wanted): Promise of the map or null}. */
export function mapBeside({ onRun, made }) {
  const box = document.getElementById("map");
  const toggle = document.getElementById("map-toggle");
  const narrow = matchMedia("(max-width: 64rem)");
  let map = null;

  async function start() {
    box.hidden = false;
    map ||= showTrucks({ box, onRun });
    try {
      const shown = await map;
      if (!start.done) made(shown);
      start.done = true;
      return shown;
    } catch {
      map = null;
      box.hidden = true;
      const note = document.getElementById("map-note");
      note.textContent = texts().no_map;
      note.hidden = false;
      return null;
    }
  }

  function open(wanted) {
    document.body.classList.toggle("map-open", wanted);
    toggle?.setAttribute("aria-expanded", String(wanted));
    if (toggle) toggle.textContent = wanted ? toggle.dataset.hide : toggle.dataset.show;
    if (wanted || !narrow.matches || !toggle) return start();
    box.hidden = true;
    return Promise.resolve(null);
  }

  if (toggle) {
    toggle.hidden = false;
    toggle.addEventListener("click", () => open(!document.body.classList.contains("map-open")));
    narrow.addEventListener("change", () => open(false));
  }
  open(false);
  return { open: () => open(narrow.matches && Boolean(toggle)) };
}
