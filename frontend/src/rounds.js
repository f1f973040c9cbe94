// A round's page: its lines of text become a table and a map. Without this script the lines themselves are edited.
import { texts } from "./lib/desk/texts.js";
import { parse } from "./lib/rounds/lines.js";
import { RoundMap } from "./lib/rounds/map.js";
import { StopTable } from "./lib/rounds/table.js";

const lines = document.getElementById("stops");
const box = document.getElementById("map");
const host = document.getElementById("stop-table");

async function start() {
  const { columns, stops } = parse(lines.value);
  const table = host ? new StopTable({ host, lines, columns, stops }) : null;
  if (table) {
    document.getElementById("stop-text").hidden = true;
    document.getElementById("stop-tools").hidden = false;
    document.getElementById("add-row").addEventListener("click", () => table.add({}));
  }
  try {
    await showMap(table, stops);
  } catch {
    box.hidden = true;
    document.getElementById("map-note").textContent = texts().no_map;
    document.getElementById("add-on-map")?.remove();
  }
}

async function showMap(table, stops) {
  box.hidden = false;
  const map = await RoundMap.open({ box, editable: Boolean(table) });
  map.show(stops);
  map.fit();
  if (!table) return;
  table.onChange = (now) => map.show(now);
  table.onShow = (stop) => map.look(stop);
  table.onDraw = (stop) => map.draw(stop).then((line) => line && table.setLine(stop, line));
  map.onMove = (stop, lat, lon) => table.place(stop, lat, lon);
  map.onPick = (stop) => table.focus(stop);
  document.getElementById("add-on-map").addEventListener("click", async () => {
    const at = await map.click();
    if (at) table.add({ lat: at.lat.toFixed(6), lon: at.lng.toFixed(6) });
  });
}

if (lines && box) start();
// What was found by the check is read first.
document.querySelector("#faults, #diff-box")?.focus();
