// The work list comes alive: the stream, the clocks, the keys, the steps, the map.
import { runClocks } from "./clocks.js";
import { listKeys } from "./listkeys.js";
import { showMap } from "./map.js";
import { pickRows } from "./picking.js";
import { Rows } from "./rows.js";
import { soundFor } from "./sound.js";
import { takeOverSteps } from "./steps.js";
import { listen } from "./stream.js";
import { fill, texts } from "./texts.js";

const LOST_AFTER_MS = 3_000;
const MAP_PAUSE_MS = 400;

/** Start the work list if this page is one. */
export function workList() {
  const page = document.getElementById("list-and-map");
  if (!page) return;
  let map = null;
  let mapTimer = null;
  const rows = new Rows(page, {
    onChange() {
      picking.update();
      mapTimer ||= setTimeout(() => {
        mapTimer = null;
        map?.refresh();
      }, MAP_PAUSE_MS);
    },
  });
  const picking = pickRows(rows);
  runClocks(rows.list);
  takeOverSteps(rows);
  soundFor(document.getElementById("sound"));
  follow(page, rows);
  const onMap = mapBeside(page, rows, (made) => (map = made));
  listKeys({ rows, picking, onMap });
}

function follow(page, rows) {
  const badge = document.getElementById("live-state");
  const banner = document.getElementById("lost");
  let timer = null;
  let knownUntil = new Date();
  badge.hidden = false;
  const [url, since] = page.dataset.live.split("&since=");
  listen({
    url,
    since: Number(since),
    onEvent: (told) => rows.heard(told),
    onGap: () => rows.refresh(),
    onState(state) {
      clearTimeout(timer);
      badge.classList.toggle("lost", state === "lost");
      badge.textContent = state === "live" ? texts().connected : "…";
      if (state === "live") {
        banner.hidden = true;
        return;
      }
      knownUntil = new Date();
      timer = setTimeout(() => {
        banner.textContent = fill(texts().lost, { time: knownUntil.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" }) });
        banner.hidden = false;
      }, LOST_AFTER_MS);
    },
  });
}

function mapBeside(page, rows, made) {
  const box = document.getElementById("map");
  const toggle = document.getElementById("map-toggle");
  const within = document.getElementById("f-within");
  const narrow = matchMedia("(max-width: 64rem)");
  let map = null;

  async function start() {
    box.hidden = false;
    if (map) return map;
    map = showMap({
      box,
      query: () => page.dataset.query,
      onPick: pick,
      onMove(bounds) {
        within.disabled = false;
        if (!within.checked) within.value = bounds;
      },
    });
    try {
      const shown = await map;
      made(shown);
      document.getElementById("legend").hidden = false;
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

  async function pick(id) {
    if (!rows.row(id)) return;
    if (narrow.matches) open(false);
    rows.current(rows.row(id), { focus: true });
  }

  function open(wanted) {
    document.body.classList.toggle("map-open", wanted);
    toggle.setAttribute("aria-expanded", String(wanted));
    toggle.textContent = wanted ? toggle.dataset.hide : toggle.dataset.show;
    if (wanted) start();
    else if (narrow.matches) box.hidden = true;
  }

  toggle.hidden = false;
  toggle.addEventListener("click", () => open(!document.body.classList.contains("map-open")));
  const settle = () => {
    open(false);
    if (!narrow.matches) start();
  };
  narrow.addEventListener("change", settle);
  if ("requestIdleCallback" in window) requestIdleCallback(settle, { timeout: 500 });
  else setTimeout(settle, 50);

  const placeOf = (row) => (row?.dataset.lat ? { lat: Number(row.dataset.lat), lon: Number(row.dataset.lon) } : null);
  document.addEventListener("saat:current", async (event) => {
    const place = placeOf(rows.row(event.detail));
    if (place && map && !box.hidden) (await map)?.point(place);
  });
  return async (row) => {
    const place = placeOf(row);
    if (!place) return;
    if (narrow.matches) open(true);
    (await start())?.point(place, { move: true });
  };
}
