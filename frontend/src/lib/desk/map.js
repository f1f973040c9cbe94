// The map beside the list: the city's own outlines and streets, and the very cases of the list.
import { drawMarks } from "./marks.js";
import { fill, texts } from "./texts.js";

const LEAST_PX = 0.0001;
const SMALL_NAMES_FROM = 12.4;
const NAMED = { "icon-image": ["concat", "name-", ["to-string", ["get", "level"]], "-", ["get", "name"]], "icon-padding": 1 };
const EMPTY = { type: "FeatureCollection", features: [] };

const load = (tag, attributes) =>
  new Promise((resolve, reject) => {
    const element = Object.assign(document.createElement(tag), attributes);
    element.onload = resolve;
    element.onerror = () => reject(new Error("the map did not load"));
    document.head.append(element);
  });

const json = async (address) => {
  const response = await fetch(address, { credentials: "same-origin" });
  if (!response.ok) throw new Error(`${address}: ${response.status}`);
  return response.json();
};

const token = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/**
 * Show the map in `box`. query(): what the list is asked for; onPick(id): a case was clicked.
 * Returns {refresh(), point(id, lat, lon), bounds()}; rejects where it cannot be shown.
 */
export async function showMap({ box, query, onPick, onMove }) {
  const [ground, streets] = await Promise.all([
    json(box.dataset.ground),
    json(box.dataset.streets).catch(() => EMPTY),
    load("link", { rel: "stylesheet", href: box.dataset.style }),
    load("script", { src: box.dataset.script }),
  ]);
  const { maplibregl } = window;
  maplibregl.setWorkerUrl(box.dataset.worker);
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  const map = new maplibregl.Map({
    container: box,
    style: styleOf(ground, streets),
    bounds: boundsOf(ground),
    fitBoundsOptions: { padding: 24 },
    maxZoom: 19,
    attributionControl: false,
    dragRotate: false,
    pitchWithRotate: false,
    touchPitch: false,
    fadeDuration: 0,
  });
  map.touchZoomRotate.disableRotation();
  map.keyboard.disableRotation();
  map.addControl(new maplibregl.NavigationControl({ showCompass: false }), "top-right");
  drawMarks(map);
  await new Promise((resolve) => map.once("load", resolve));
  const shown = new Shown({ maplibregl, map, box, query, onPick, streets, still });
  map.on("moveend", () => {
    shown.refresh();
    onMove(shown.bounds());
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => recolour(map, ground, streets));
  await shown.refresh();
  return shown;
}

class Shown {
  constructor(given) {
    Object.assign(this, given);
    this.popup = null;
    this.map.on("click", "cases", (event) => this.clicked(event.features[0]));
    this.map.on("mouseenter", "cases", () => (this.map.getCanvas().style.cursor = "pointer"));
    this.map.on("mouseleave", "cases", () => (this.map.getCanvas().style.cursor = ""));
  }

  bounds() {
    const box = this.map.getBounds();
    return [box.getWest(), box.getSouth(), box.getEast(), box.getNorth()].map((side) => side.toFixed(5)).join(",");
  }

  /** Read the cases of this part of the map anew; of several requests only the latest answer is drawn. */
  async refresh() {
    const asked = (this.asked = (this.asked || 0) + 1);
    const zoom = this.map.getZoom().toFixed(2);
    try {
      const cases = await json(`${this.box.dataset.cases}?bbox=${this.bounds()}&zoom=${zoom}&${this.query()}`);
      if (asked !== this.asked) return;
      this.map.getSource("cases").setData(cases);
      this.box.dataset.drawn = String(cases.features.length);
      this.note(cases);
    } catch {
      // The stream's banner tells that the connection is lost; the map keeps what it shows.
    }
  }

  note({ cut, placeless }) {
    const said = [
      this.streets.schematic ? texts().schematic : "",
      cut ? texts().cut : "",
      placeless ? fill(texts().placeless, { n: placeless }) : "",
      this.streets.attribution || "",
    ].filter(Boolean);
    const box = document.getElementById("map-note");
    box.textContent = said.join(" · ");
    box.hidden = !said.length;
  }

  clicked(feature) {
    const { case: id, count } = feature.properties;
    const centre = feature.geometry.coordinates;
    if (count) {
      this.go({ center: centre, zoom: Math.min(17, this.map.getZoom() + 2) });
      return;
    }
    this.card(feature);
    this.ring(centre);
    this.onPick(id);
  }

  card({ properties, geometry }) {
    this.popup?.remove();
    const card = document.createElement("div");
    card.className = "map-card";
    const link = document.createElement("a");
    link.href = `/desk/cases/${properties.case}`;
    link.textContent = `${properties.category} ${properties.code}`;
    const line = document.createElement("p");
    line.textContent = `${properties.state} · ${texts().marks[properties.mark]}`;
    card.append(link, line);
    this.popup = new this.maplibregl.Popup({ offset: 14, closeButton: false, focusAfterOpen: false })
      .setLngLat(geometry.coordinates)
      .setDOMContent(card)
      .addTo(this.map);
  }

  ring(centre) {
    this.map.getSource("current").setData({ type: "Feature", properties: {}, geometry: { type: "Point", coordinates: centre } });
  }

  /** Mark a case; move: bring it into view, too. */
  point({ lat, lon }, { move = false } = {}) {
    this.ring([lon, lat]);
    const outside = !this.map.getBounds().contains([lon, lat]);
    if (move) this.go({ center: [lon, lat], zoom: Math.max(15, this.map.getZoom()) });
    else if (outside) this.go({ center: [lon, lat] });
  }

  go(to) {
    if (this.still) this.map.jumpTo(to);
    else this.map.easeTo({ ...to, duration: 300 });
  }
}

function styleOf(ground, streets) {
  const paint = paintOf();
  const deepest = Math.max(1, ...ground.features.map((feature) => feature.properties.level || 0));
  return {
    version: 8,
    sources: {
      ground: { type: "geojson", data: ground },
      streets: { type: "geojson", data: streets },
      names: { type: "geojson", data: namesOf(ground) },
      cases: { type: "geojson", data: EMPTY },
      current: { type: "geojson", data: EMPTY },
    },
    layers: [
      { id: "paper", type: "background", paint: { "background-color": paint.beyond } },
      { id: "areas", type: "fill", source: "ground", filter: ["==", ["get", "level"], deepest], paint: { "fill-color": paint.land } },
      { id: "streets", type: "line", source: "streets", minzoom: 11.5, paint: { "line-color": paint.street, "line-width": ["interpolate", ["linear"], ["zoom"], 11, ["case", ["get", "main"], 1, 0.3], 16, ["case", ["get", "main"], 7, 3]] } },
      { id: "borders", type: "line", source: "ground", filter: ["==", ["get", "level"], deepest], paint: { "line-color": paint.border, "line-width": 0.8 } },
      { id: "districts", type: "line", source: "ground", filter: ["==", ["get", "level"], 1], paint: { "line-color": paint.district, "line-width": 1.8 } },
      { id: "names", type: "symbol", source: "names", maxzoom: SMALL_NAMES_FROM, filter: ["==", ["get", "level"], 1], layout: NAMED },
      { id: "small-names", type: "symbol", source: "names", minzoom: SMALL_NAMES_FROM, filter: [">", ["get", "level"], 1], layout: NAMED },
      { id: "current", type: "circle", source: "current", paint: { "circle-radius": 20, "circle-opacity": 0, "circle-stroke-width": 4, "circle-stroke-color": paint.focus } },
      {
        id: "cases",
        type: "symbol",
        source: "cases",
        layout: {
          "icon-image": ["case", ["has", "count"], ["concat", "cluster-", ["get", "mark"], "-", ["to-string", ["get", "count"]]], ["concat", "mark-", ["get", "mark"]]],
          "icon-allow-overlap": true,
          "icon-ignore-placement": true,
          "symbol-sort-key": ["match", ["get", "mark"], "danger", 4, "overdue", 3, "untaken", 2, "taken", 1, 0],
        },
      },
    ],
  };
}

function paintOf() {
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  return {
    beyond: dark ? "#0b100e" : "#dfe6e2",
    land: dark ? "#18211d" : "#f6f5ef",
    street: dark ? "#2d3934" : "#ffffff",
    border: dark ? "#3a4741" : "#b9c6bf",
    district: dark ? "#62766c" : "#6d8278",
    focus: token("--focus"),
  };
}

function recolour(map, ground, streets) {
  for (const layer of styleOf(ground, streets).layers) {
    for (const [name, value] of Object.entries(layer.paint || {})) map.setPaintProperty(layer.id, name, value);
  }
  for (const id of map.listImages()) map.removeImage(id);
  map.triggerRepaint();
}

function boundsOf(ground) {
  let [west, south, east, north] = [180, 90, -180, -90];
  for (const { geometry } of ground.features) {
    const points = geometry.type === "Point" ? [geometry.coordinates] : geometry.coordinates.flat(2);
    for (const [lon, lat] of points) {
      [west, east] = [Math.min(west, lon), Math.max(east, lon)];
      [south, north] = [Math.min(south, lat), Math.max(north, lat)];
    }
  }
  if (east - west > LEAST_PX) return [west, south, east, north];
  const [lon, lat] = ground.centre;
  return [lon - 0.1, lat - 0.1, lon + 0.1, lat + 0.1];
}

/** Return the middles of the areas with their names, the larger areas first. */
function namesOf(ground) {
  const features = ground.features
    .filter(({ properties }) => properties.is === "area" && properties.level >= 1)
    .map(({ properties: { name, level }, geometry }) => ({
      type: "Feature",
      properties: { name, level },
      geometry: { type: "Point", coordinates: middleOf(geometry) },
    }));
  return { type: "FeatureCollection", features };
}

function middleOf({ coordinates }) {
  const largest = coordinates.map(([ring]) => ring).reduce((best, ring) => (sizeOf(ring) > sizeOf(best) ? ring : best));
  let [lon, lat, twice] = [0, 0, 0];
  for (let i = 1; i < largest.length; i += 1) {
    const [[x0, y0], [x1, y1]] = [largest[i - 1], largest[i]];
    const cross = x0 * y1 - x1 * y0;
    lon += (x0 + x1) * cross;
    lat += (y0 + y1) * cross;
    twice += cross;
  }
  return twice ? [lon / (3 * twice), lat / (3 * twice)] : largest[0];
}

function sizeOf(ring) {
  let twice = 0;
  for (let i = 1; i < ring.length; i += 1) twice += ring[i - 1][0] * ring[i][1] - ring[i][0] * ring[i - 1][1];
  return Math.abs(twice);
}
