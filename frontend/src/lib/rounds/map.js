// A round on the city's ground: stops that can be dragged, the way between them, kerbs that can be drawn.
import { EMPTY, openMap, token } from "../desk/ground.js";
import { texts } from "../desk/texts.js";
import { placeOf, pointsOf } from "./lines.js";

const feature = (type, coordinates) => ({ type: "Feature", properties: {}, geometry: { type, coordinates } });
const collection = (features) => ({ type: "FeatureCollection", features });

export class RoundMap {
  static async open({ box, editable }) {
    return new RoundMap({ ...(await openMap({ box, upper })), box, editable });
  }

  constructor(given) {
    Object.assign(this, given);
    this.markers = [];
    this.onMove = this.onPick = () => {};
    this.note = document.getElementById("map-note");
    this.credit = [this.streets.schematic ? texts().schematic : "", this.streets.attribution || ""].filter(Boolean).join(" · ");
    this.note.textContent = this.credit;
  }

  /** Draw the stops in their order. */
  show(stops) {
    this.stops = stops;
    const places = stops.map(placeOf);
    const way = places.filter(Boolean);
    this.map.getSource("way").setData(way.length > 1 ? collection([feature("LineString", way)]) : EMPTY);
    const kerbs = stops.filter((stop) => stop.kind === "kerb").map((stop) => pointsOf(stop.line));
    this.map.getSource("kerbs").setData(collection(kerbs.filter((points) => points.length > 1).map((points) => feature("LineString", points))));
    for (const marker of this.markers) marker.remove();
    this.markers = stops.flatMap((stop, at) => (places[at] ? [this.marker(stop, at, places[at])] : []));
    this.box.dataset.stops = String(this.markers.length);
  }

  marker(stop, at, place) {
    const element = document.createElement("button");
    element.type = "button";
    element.className = `stop-pin ${stop.kind || "point"}`;
    element.textContent = String(at + 1);
    element.tabIndex = -1; // the table does the same by keyboard, without fifty more stations of the Tab key
    element.setAttribute("aria-hidden", "true");
    element.addEventListener("click", (event) => {
      if (this.waiting) return;
      event.stopPropagation();
      this.onPick(stop);
    });
    const draggable = this.editable && stop.kind !== "kerb";
    const marker = new this.maplibregl.Marker({ element, draggable }).setLngLat(place).addTo(this.map);
    if (draggable) {
      marker.on("dragend", () => {
        const { lat, lng } = marker.getLngLat();
        this.onMove(stop, lat, lng);
      });
    }
    return marker;
  }

  fit() {
    const all = this.stops.flatMap((stop) => (stop.kind === "kerb" ? pointsOf(stop.line) : [placeOf(stop)].filter(Boolean)));
    if (!all.length) return;
    const bounds = all.reduce((box, at) => box.extend(at), new this.maplibregl.LngLatBounds(all[0], all[0]));
    this.map.fitBounds(bounds, { padding: 48, maxZoom: 17, duration: 0 });
  }

  look(stop) {
    const place = placeOf(stop);
    if (!place) return;
    this.map[this.still ? "jumpTo" : "easeTo"]({ center: place, zoom: Math.max(16, this.map.getZoom()) });
    this.box.scrollIntoView({ block: "nearest" });
  }

  /** Wait for one click on the map; return where, or null if somebody gives up. */
  click() {
    return this.wait(texts().click, (end) => this.map.once("click", ({ lngLat }) => end(lngLat)));
  }

  /** Let somebody draw a line for a stop; return its points, or null if they give up. */
  draw(stop) {
    const points = [];
    const done = document.createElement("button");
    Object.assign(done, { type: "button", className: "button small", textContent: texts().done });
    const clicked = ({ lngLat }) => {
      points.push([lngLat.lng, lngLat.lat]);
      this.map.getSource("drawn").setData(points.length > 1 ? feature("LineString", points) : feature("Point", points[0]));
    };
    return this.wait(texts().drawing, (end) => {
      this.map.on("click", clicked);
      done.addEventListener("click", () => end(points.length > 1 ? points : null));
      this.note.append(" ", done);
      this.finish = () => end(points.length > 1 ? points : null);
      this.look(stop);
    }).finally(() => {
      this.map.off("click", clicked);
      this.map.getSource("drawn").setData(EMPTY);
      this.finish = null;
    });
  }

  wait(text, begin) {
    this.waiting?.(null);
    this.note.textContent = text;
    this.box.classList.add("waiting");
    return new Promise((resolve) => {
      const end = (value) => {
        document.removeEventListener("keydown", keyed);
        this.box.classList.remove("waiting");
        this.note.textContent = this.credit;
        this.waiting = null;
        resolve(value);
      };
      const keyed = (event) => {
        if (event.key === "Escape") end(null);
        if (event.key === "Enter" && this.finish) {
          event.preventDefault();
          this.finish();
        }
      };
      document.addEventListener("keydown", keyed);
      this.waiting = end;
      begin(end);
    });
  }
}

/** What lies on the ground: the way from stop to stop, kerbs, and a line being drawn. */
function upper(paint) {
  const source = { type: "geojson", data: EMPTY };
  return {
    sources: { way: source, kerbs: source, drawn: source },
    layers: [
      { id: "way", type: "line", source: "way", paint: { "line-color": token("--fine"), "line-width": 2, "line-dasharray": [2, 2] } },
      { id: "kerbs", type: "line", source: "kerbs", paint: { "line-color": token("--brand"), "line-width": 6, "line-opacity": 0.7 } },
      { id: "drawn", type: "line", source: "drawn", paint: { "line-color": paint.focus, "line-width": 5 } },
      { id: "drawn-at", type: "circle", source: "drawn", paint: { "circle-color": paint.focus, "circle-radius": 5 } },
    ],
  };
}
