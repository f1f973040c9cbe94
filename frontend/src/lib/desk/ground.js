// The ground of every map of the desk: the city's own outlines, streets and names, in quiet colours.
import { drawMarks } from "./marks.js";

const LEAST_PX = 0.0001;
const SMALL_NAMES_FROM = 12.4;
const NAMED = { "icon-image": ["concat", "name-", ["to-string", ["get", "level"]], "-", ["get", "name"]], "icon-padding": 1 };
export const EMPTY = { type: "FeatureCollection", features: [] };

export const token = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

const load = (tag, attributes) =>
  new Promise((resolve, reject) => {
    const element = Object.assign(document.createElement(tag), attributes);
    element.onload = resolve;
    element.onerror = () => reject(new Error("the map did not load"));
    document.head.append(element);
  });

export const json = async (address) => {
  const response = await fetch(address, { credentials: "same-origin" });
  if (!response.ok) throw new Error(`${address}: ${response.status}`);
  return response.json();
};

/**
 * Open a map in `box`. upper(paint): {sources, layers} that lie on the ground. Rejects where it cannot be shown.
 * Returns {map, maplibregl, streets, still}; still: nothing is to move by itself.
 */
export async function openMap({ box, upper }) {
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
    style: styleOf(ground, streets, upper),
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
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => recolour(map, styleOf(ground, streets, upper)));
  return { map, maplibregl, streets, still };
}

function styleOf(ground, streets, upper) {
  const paint = paintOf();
  const deepest = Math.max(1, ...ground.features.map((feature) => feature.properties.level || 0));
  const { sources, layers } = upper(paint);
  return {
    version: 8,
    sources: {
      ground: { type: "geojson", data: ground },
      streets: { type: "geojson", data: streets },
      names: { type: "geojson", data: namesOf(ground) },
      ...sources,
    },
    layers: [
      { id: "paper", type: "background", paint: { "background-color": paint.beyond } },
      { id: "areas", type: "fill", source: "ground", filter: ["==", ["get", "level"], deepest], paint: { "fill-color": paint.land } },
      { id: "streets", type: "line", source: "streets", minzoom: 11.5, paint: { "line-color": paint.street, "line-width": ["interpolate", ["linear"], ["zoom"], 11, ["case", ["get", "main"], 1, 0.3], 16, ["case", ["get", "main"], 7, 3]] } },
      { id: "borders", type: "line", source: "ground", filter: ["==", ["get", "level"], deepest], paint: { "line-color": paint.border, "line-width": 0.8 } },
      { id: "districts", type: "line", source: "ground", filter: ["==", ["get", "level"], 1], paint: { "line-color": paint.district, "line-width": 1.8 } },
      { id: "names", type: "symbol", source: "names", maxzoom: SMALL_NAMES_FROM, filter: ["==", ["get", "level"], 1], layout: NAMED },
      { id: "small-names", type: "symbol", source: "names", minzoom: SMALL_NAMES_FROM, filter: [">", ["get", "level"], 1], layout: NAMED },
      ...layers,
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

function recolour(map, style) {
  for (const layer of style.layers) {
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
