// Where it is: the phone's position, a tap on a map that is loaded when it is asked for, or words.
import { showMap } from "./citymap.js";
import { say } from "./texts.js";

const ROUGH_M = 150;
const POSITION = { enableHighAccuracy: true, timeout: 20_000, maximumAge: 0 };

export function startPlace(form, { lookUp }) {
  const told = form.querySelector("#where-told");
  const box = form.querySelector("#map-box");
  const usePosition = form.querySelector("#use-position");
  const useMap = form.querySelector("#use-map");
  const fields = form.elements;
  let map = null;

  function tell(message, wrong = false) {
    told.textContent = message;
    told.classList.toggle("wrong", wrong);
  }

  function point() {
    return fields.lat.value ? { lat: Number(fields.lat.value), lon: Number(fields.lon.value) } : null;
  }

  // Takes a place over and says which area it lies in, or that it lies outside the city.
  async function take({ lat, lon, accuracy = "" }, message, wrong = false) {
    fields.lat.value = lat.toFixed(6);
    fields.lon.value = lon.toFixed(6);
    fields.accuracy_m.value = accuracy === "" ? "" : Math.round(accuracy);
    form.dispatchEvent(new Event("change"));
    tell(message, wrong);
    const found = await lookUp().catch(() => null);
    if (!found || !point() || fields.lat.value !== lat.toFixed(6)) return;
    if (found.error) tell(found.error, true);
    else if (found.area) tell(`${message} ${say("in_area", { area: found.area })}`, wrong);
  }

  usePosition.addEventListener("click", () => {
    if (!navigator.geolocation) {
      tell(say("no_position"), true);
      return;
    }
    tell(say("locating"));
    navigator.geolocation.getCurrentPosition(
      ({ coords }) => {
        const rough = coords.accuracy > ROUGH_M;
        const place = { lat: coords.latitude, lon: coords.longitude, accuracy: coords.accuracy };
        take(place, say(rough ? "located_roughly" : "located", { metres: Math.round(coords.accuracy) }), rough);
        if (map) map.show(place);
      },
      (error) => tell(say(error.code === 1 ? "position_denied" : "no_position"), true),
      POSITION,
    );
  });

  useMap.addEventListener("click", async () => {
    box.hidden = !box.hidden;
    useMap.setAttribute("aria-expanded", String(!box.hidden));
    if (box.hidden || map) return;
    const before = [told.textContent, told.classList.contains("wrong")];
    tell(say("map_loading"));
    try {
      const element = box.querySelector("#map");
      const onTap = (place) => take(place, say("tapped"));
      map = await showMap({ box, element, areas: form.dataset.areas, start: point(), onTap });
      if (told.textContent === say("map_loading")) tell(...before);
    } catch {
      box.hidden = true;
      useMap.setAttribute("aria-expanded", "false");
      tell(say(navigator.onLine === false ? "map_offline" : "map_failed"), true);
    }
  });
  form.querySelector("#take-middle").addEventListener("click", () => map && map.takeMiddle());

  return { clear: () => tell("") };
}
