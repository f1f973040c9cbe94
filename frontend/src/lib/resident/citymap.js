// The city as a drawing, where a resident taps: its areas and landmarks from our own server, no tiles, no other host.
const NAMES_FROM_ZOOM = 12.6;

let library = null;

function load(tag, attributes) {
  return new Promise((resolve, reject) => {
    const element = Object.assign(document.createElement(tag), attributes);
    element.onload = resolve;
    element.onerror = () => reject(new Error(`${attributes.src || attributes.href} did not load`));
    document.head.append(element);
  });
}

async function loaded(box) {
  library ||= Promise.all([
    load("link", { rel: "stylesheet", href: box.dataset.style }),
    load("script", { src: box.dataset.map }),
  ]).then(() => {
    window.maplibregl.setWorkerUrl(box.dataset.worker);
    return window.maplibregl;
  });
  try {
    return await library;
  } catch (error) {
    library = null;
    throw error;
  }
}

// Shows the map in `element` and calls `onTap({lat, lon})`. start: {lat, lon} of the place, or null. around: where to look
// if there is no place yet. Rejects if it cannot be shown.
export async function showMap({ box, element, areas, start, around = null, onTap }) {
  const [maplibregl, ground] = await Promise.all([
    loaded(box),
    fetch(areas, { credentials: "same-origin" }).then((response) => response.json()),
  ]);
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  const map = new maplibregl.Map({
    container: element,
    style: styleOf(ground),
    center: start || around ? [(start || around).lon, (start || around).lat] : ground.centre,
    zoom: start || around ? 15 : 11,
    maxZoom: 18,
    minZoom: 8,
    attributionControl: false,
    dragRotate: false,
    pitchWithRotate: false,
    touchPitch: false,
    fadeDuration: still ? 0 : 200,
  });
  map.touchZoomRotate.disableRotation();
  map.addControl(new maplibregl.NavigationControl({ showCompass: false }), "top-right");
  await new Promise((resolve, reject) => {
    map.once("load", resolve);
    map.once("error", (event) => reject(event.error));
  });
  if (!start && !around) fitTo(map, ground, still);
  nameAreas(maplibregl, map, element, ground);
  const pin = new maplibregl.Marker({ color: "#b3261e" });
  const take = ({ lng, lat }) => {
    pin.setLngLat([lng, lat]).addTo(map);
    onTap({ lat, lon: lng });
  };
  if (start) pin.setLngLat([start.lon, start.lat]).addTo(map);
  map.on("click", (event) => take(event.lngLat));
  return {
    takeMiddle: () => take(map.getCenter()),
    lookAt: ({ lat, lon }) => map.jumpTo({ center: [lon, lat], zoom: Math.max(15, map.getZoom()) }),
    clear: () => pin.remove(),
    show: ({ lat, lon }) => {
      pin.setLngLat([lon, lat]).addTo(map);
      map.jumpTo({ center: [lon, lat], zoom: Math.max(15, map.getZoom()) });
    },
  };
}

function styleOf(ground) {
  const deepest = Math.max(0, ...ground.features.map((feature) => feature.properties.level || 0));
  return {
    version: 8,
    sources: { ground: { type: "geojson", data: ground } },
    layers: [
      { id: "paper", type: "background", paint: { "background-color": "#e7ede9" } },
      {
        id: "areas",
        type: "fill",
        source: "ground",
        filter: ["==", ["get", "level"], deepest],
        paint: {
          "fill-color": ["match", ["%", ["id"], 4], 0, "#f7f4ea", 1, "#eef4ea", 2, "#f3efe6", "#e9f2ef"],
          "fill-outline-color": "#9aaba2",
        },
      },
      {
        id: "borders",
        type: "line",
        source: "ground",
        filter: ["==", ["get", "level"], 1],
        paint: { "line-color": "#4b6a5d", "line-width": 2 },
      },
      {
        id: "places",
        type: "circle",
        source: "ground",
        minzoom: NAMES_FROM_ZOOM,
        filter: ["==", ["get", "is"], "place"],
        paint: { "circle-radius": 4, "circle-color": "#8a5200", "circle-stroke-color": "#fff", "circle-stroke-width": 1.5 },
      },
    ],
  };
}

function fitTo(map, ground, still) {
  let [west, south, east, north] = [180, 90, -180, -90];
  for (const feature of ground.features.filter((each) => each.properties.is === "area")) {
    for (const [lon, lat] of feature.geometry.coordinates.flat(2)) {
      west = Math.min(west, lon);
      east = Math.max(east, lon);
      south = Math.min(south, lat);
      north = Math.max(north, lat);
    }
  }
  if (west < east) map.fitBounds([west, south, east, north], { padding: 16, animate: !still });
}

// Names are page text over the map, so that every script is drawn by the phone's own fonts.
function nameAreas(maplibregl, map, element, ground) {
  const deepest = Math.max(0, ...ground.features.map((feature) => feature.properties.level || 0));
  const kindOf = ({ is, level }) => {
    if (is === "place") return "place near";
    if (level === deepest && deepest > 1) return "near";
    return level === 1 ? "far" : null;
  };
  for (const feature of ground.features) {
    const kind = kindOf(feature.properties);
    if (!kind || !feature.properties.name) continue;
    const label = document.createElement("div");
    label.className = `map-name ${kind}`;
    label.textContent = feature.properties.name;
    // A name on the map, not the button that the library takes every mark for.
    label.setAttribute("role", "img");
    label.setAttribute("aria-label", feature.properties.name);
    const at = feature.properties.is === "place" ? feature.geometry.coordinates : middleOf(feature.geometry.coordinates);
    new maplibregl.Marker({ element: label, anchor: feature.properties.is === "place" ? "top" : "center" })
      .setLngLat(at)
      .addTo(map);
  }
  const follow = () => {
    element.classList.toggle("near", map.getZoom() >= NAMES_FROM_ZOOM);
    element.classList.toggle("far", map.getZoom() < NAMES_FROM_ZOOM);
  };
  map.on("zoom", follow);
  follow();
}

// The middle of the largest part's box: good enough for a name.
function middleOf(polygons) {
  let best = null;
  for (const [ring] of polygons) {
    const lons = ring.map(([lon]) => lon);
    const lats = ring.map(([, lat]) => lat);
    const box = [Math.min(...lons), Math.min(...lats), Math.max(...lons), Math.max(...lats)];
    const size = (box[2] - box[0]) * (box[3] - box[1]);
    if (!best || size > best.size) best = { size, at: [(box[0] + box[2]) / 2, (box[1] + box[3]) / 2] };
  }
  return best.at;
}
