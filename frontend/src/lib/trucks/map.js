// Trucks and stops on the city's ground. Stops differ by shape as well as by colour; the shapes are those of the page.
import { EMPTY, openMap, token } from "../desk/ground.js";
import { texts } from "../desk/texts.js";

const RATIO = 2;
const SIDE = 20;
const LOUD = ["risk", "missed", "unknown"];
const MARK_OF = { c: "served", l: "late", p: "partial", m: "missed", s: "skipped", n: "skipped", x: "skipped", u: "unknown", r: "risk" };
const MOVING = ["collecting", "driving", "off_round"];

/** Show the map in `box`; onRun(id): something of a run was chosen. Rejects where it cannot be shown. */
export async function showTrucks({ box, onRun }) {
  const opened = await openMap({ box, upper });
  draw(opened.map);
  const note = document.getElementById("map-note");
  note.textContent = [opened.streets.schematic ? texts().schematic : "", opened.streets.attribution || ""].filter(Boolean).join(" · ");
  note.hidden = !note.textContent;
  document.getElementById("legend").hidden = false;
  return new Trucks({ ...opened, box, onRun });
}

class Trucks {
  constructor(given) {
    Object.assign(this, given);
    for (const layer of ["stops", "trucks"]) {
      this.map.on("click", layer, (event) => this.clicked(event.features[0]));
      this.map.on("mouseenter", layer, () => (this.map.getCanvas().style.cursor = "pointer"));
      this.map.on("mouseleave", layer, () => (this.map.getCanvas().style.cursor = ""));
    }
  }

  /** Draw runs: [{id, plan, name, marks, vehicles}]; plans: plan → [[lat, lon, line?], …]. */
  show(runs, plans) {
    this.runs = runs;
    this.plans = plans;
    const [points, lines, trucks] = [[], [], []];
    for (const run of runs) {
      (plans[run.plan] || []).forEach(([lat, lon, line], place) => {
        const mark = MARK_OF[run.marks[place]] || "expected";
        const properties = { run: run.id, mark, place };
        points.push({ type: "Feature", properties, geometry: { type: "Point", coordinates: [lon, lat] } });
        if (line) lines.push({ type: "Feature", properties, geometry: { type: "LineString", coordinates: line.map(([a, o]) => [o, a]) } });
      });
      for (const truck of run.vehicles) {
        const { lat, lon, state, label, course, text } = truck;
        const shape = MOVING.includes(state) ? (course === null || course === undefined ? "round" : "moving") : state === "silent" ? "silent" : "standing";
        trucks.push({ type: "Feature", properties: { run: run.id, shape, label, text, course: course || 0 }, geometry: { type: "Point", coordinates: [lon, lat] } });
      }
    }
    this.map.getSource("stops").setData({ type: "FeatureCollection", features: points });
    this.map.getSource("kerbs").setData({ type: "FeatureCollection", features: lines });
    this.map.getSource("trucks").setData({ type: "FeatureCollection", features: trucks });
    this.box.dataset.stops = String(points.length);
    this.box.dataset.trucks = String(trucks.length);
  }

  /** Look at everything that is drawn. */
  fit() {
    const all = this.runs.flatMap((run) => this.plans[run.plan] || []);
    if (all.length) this.go(all);
  }

  /** Look at one run: its way as a line, and all of its stops in view. */
  lookAt(id) {
    const run = this.runs.find((each) => each.id === id);
    const stops = run && this.plans[run.plan];
    if (!stops?.length) return;
    const way = { type: "LineString", coordinates: stops.map(([lat, lon]) => [lon, lat]) };
    this.map.getSource("way").setData({ type: "Feature", properties: {}, geometry: way });
    this.go(stops);
  }

  go(stops) {
    const lats = stops.map(([lat]) => lat);
    const lons = stops.map(([, lon]) => lon);
    const box = [Math.min(...lons), Math.min(...lats), Math.max(...lons), Math.max(...lats)];
    this.map.fitBounds(box, { padding: 60, maxZoom: 16, animate: !this.still, duration: 300 });
  }

  clicked({ properties, geometry }) {
    const run = this.runs.find((each) => each.id === properties.run);
    if (!run) return;
    this.popup?.remove();
    const card = document.createElement("div");
    card.className = "map-card";
    const link = document.createElement("a");
    link.href = properties.place === undefined ? `/desk/trucks/runs/${run.id}` : `/desk/trucks/runs/${run.id}#stop-${properties.place + 1}`;
    link.textContent = run.name;
    const line = document.createElement("p");
    line.textContent = properties.text || texts().marks[properties.mark];
    card.append(link, line);
    const at = geometry.type === "Point" ? geometry.coordinates : geometry.coordinates[0];
    this.popup = new this.maplibregl.Popup({ offset: 14, closeButton: false, focusAfterOpen: false }).setLngLat(at).setDOMContent(card).addTo(this.map);
    this.onRun?.(run.id);
  }
}

function upper() {
  const ink = token("--ink");
  const colours = ["match", ["get", "mark"], ...Object.keys(texts().marks).flatMap((mark) => [mark, token(`--mk-${mark}`)]), ink];
  const loud = ["in", ["get", "mark"], ["literal", LOUD]];
  return {
    sources: Object.fromEntries(["way", "kerbs", "stops", "trucks"].map((name) => [name, { type: "geojson", data: EMPTY }])),
    layers: [
      { id: "way", type: "line", source: "way", paint: { "line-color": token("--focus"), "line-width": 3, "line-opacity": 0.55 } },
      { id: "kerbs", type: "line", source: "kerbs", minzoom: 12, layout: { "line-cap": "round" }, paint: { "line-color": colours, "line-width": 5, "line-opacity": 0.75 } },
      {
        id: "stops",
        type: "symbol",
        source: "stops",
        layout: {
          "icon-image": ["concat", "stop-", ["get", "mark"]],
          "icon-size": ["interpolate", ["linear"], ["zoom"], 10, ["case", loud, 0.6, 0.4], 13, ["case", loud, 0.9, 0.65], 16, 1.15],
          "icon-allow-overlap": true,
          "icon-ignore-placement": true,
          "symbol-sort-key": ["match", ["get", "mark"], "risk", 5, "missed", 4, "unknown", 3, "skipped", 2, "expected", 0, 1],
        },
      },
      {
        id: "trucks",
        type: "symbol",
        source: "trucks",
        layout: {
          "icon-image": ["concat", "truck-", ["get", "shape"]],
          "icon-rotate": ["case", ["==", ["get", "shape"], "moving"], ["get", "course"], 0],
          "icon-rotation-alignment": "map",
          "icon-allow-overlap": true,
          "icon-ignore-placement": true,
        },
      },
      {
        id: "truck-names",
        type: "symbol",
        source: "trucks",
        minzoom: 11.5,
        layout: { "icon-image": ["concat", "name-1-", ["get", "label"]], "icon-offset": [0, 22], "icon-optional": true, "icon-padding": 1 },
      },
    ],
  };
}

function draw(map) {
  map.on("styleimagemissing", ({ id }) => {
    if (map.hasImage(id)) return;
    const [what, kind] = id.split("-");
    if (what === "stop" && kind in texts().marks) map.addImage(id, stop(kind), { pixelRatio: RATIO });
    if (what === "truck") map.addImage(id, truck(kind), { pixelRatio: RATIO });
  });
}

function sheet(side) {
  const canvas = Object.assign(document.createElement("canvas"), { width: side * RATIO, height: side * RATIO });
  const pen = canvas.getContext("2d");
  pen.scale(RATIO, RATIO);
  pen.lineJoin = pen.lineCap = "round";
  return pen;
}

const pixels = (pen) => pen.getImageData(0, 0, pen.canvas.width, pen.canvas.height);

function stop(mark) {
  const pen = sheet(SIDE);
  pen.translate((SIDE - 16) / 2, (SIDE - 16) / 2);
  const shapes = [...document.getElementById("stop-shapes").content.querySelectorAll(`.mk-${mark} path`)];
  const paths = shapes.map((path) => ({ kind: path.getAttribute("class"), way: new Path2D(path.getAttribute("d")) }));
  const [paper, colour] = [token("--paper"), token(`--mk-${mark}`)];
  for (const { kind, way } of paths) {
    if (kind === "mk-cut") continue;
    pen.strokeStyle = paper;
    pen.lineWidth = kind === "mk-line" ? 5.5 : 3.5;
    pen.stroke(way);
  }
  for (const { kind, way } of paths) {
    pen.strokeStyle = kind === "mk-cut" ? paper : colour;
    pen.fillStyle = mark === "expected" ? paper : colour;
    pen.lineWidth = mark === "missed" ? 3 : 2;
    if (kind === "mk-fill" || mark === "expected") pen.fill(way);
    if (kind !== "mk-fill") pen.stroke(way);
  }
  return pixels(pen);
}

function truck(shape) {
  const pen = sheet(30);
  pen.beginPath();
  if (shape === "moving") {
    pen.moveTo(15, 3);
    pen.lineTo(25, 26);
    pen.lineTo(15, 21);
    pen.lineTo(5, 26);
  } else if (shape === "round") pen.arc(15, 15, 9, 0, 7);
  else pen.rect(6, 6, 18, 18);
  pen.closePath();
  pen.lineWidth = 5;
  pen.strokeStyle = token("--paper");
  pen.stroke();
  pen.lineWidth = 2;
  pen.strokeStyle = token("--ink");
  if (shape === "silent") pen.setLineDash([3, 3]);
  pen.fillStyle = shape === "silent" ? token("--paper") : token("--ink");
  pen.fill();
  pen.stroke();
  pen.fillStyle = shape === "silent" ? token("--ink") : token("--paper");
  if (shape === "standing") {
    pen.fillRect(10.5, 10, 3, 10);
    pen.fillRect(16.5, 10, 3, 10);
  }
  if (shape === "silent") {
    pen.font = "700 13px sans-serif";
    pen.textAlign = "center";
    pen.textBaseline = "middle";
    pen.fillText("?", 15, 15.5);
  }
  return pixels(pen);
}
