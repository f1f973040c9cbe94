// A point on the map, if the caller can describe it better than a name does.
import { showMap } from "../resident/citymap.js";

export function startMap(form, { changed }) {
  const part = form.querySelector(".phone-map");
  const button = form.querySelector("#open-map");
  const forget = form.querySelector("#forget-point");
  const box = form.querySelector("#map-box");
  const told = form.querySelector("#map-told");
  const { lat, lon } = form.elements;
  let map = null;
  let at = null; // where the landmark lies that was chosen last; a hint, not a point that the caller gave
  part.hidden = false;

  function take(place) {
    lat.value = place.lat.toFixed(6);
    lon.value = place.lon.toFixed(6);
    forget.hidden = false;
    told.textContent = form.dataset.tapped;
    changed();
  }

  button.addEventListener("click", async () => {
    box.hidden = !box.hidden;
    button.setAttribute("aria-expanded", String(!box.hidden));
    if (box.hidden || map) return;
    const start = lat.value ? { lat: Number(lat.value), lon: Number(lon.value) } : null;
    const element = box.querySelector("#map");
    try {
      map = await showMap({ box, element, areas: box.dataset.areas, start, around: at, onTap: take });
    } catch {
      box.hidden = true;
      button.setAttribute("aria-expanded", "false");
      told.textContent = form.dataset.mapFailed;
    }
  });
  forget.addEventListener("click", () => {
    lat.value = lon.value = told.textContent = "";
    forget.hidden = true;
    if (map) map.clear();
    button.focus();
    changed();
  });

  return {
    show(place) {
      at = { lat: place.lat, lon: place.lon };
      if (map && !lat.value) map.lookAt(at);
    },
  };
}
