// The crew's page: the shift, the next stop, one tap for what happened there; all of it also without a signal.
import { drawList, nearOf, stopsNow, timeOf, titleOf, whenOf } from "./lib/crew/list.js";
import { flush } from "./lib/crew/sending.js";
import { begin, end, resume, shift } from "./lib/crew/shift.js";
import { addWord, changeWord, onChange, recall, remember, waiting, words } from "./lib/crew/store.js";
import { shrink } from "./lib/resident/photo.js";
import { bytesOf, say } from "./lib/resident/texts.js";

const SEND_EVERY_MS = 5_000;
const ASK_EVERY_MS = 30_000;
const LOST_MS = 60_000;

const at = (id) => document.getElementById(id);
let token = "";
let round = null; // what the server last told
let chosen = null; // the stop that was tapped, or null for the next one
let last = null; // the word that can still be taken back, by its id
let sent = { state: "" };
let stranger = false;

// --- the code of the phone
async function readToken() {
  const shown = location.hash.slice(1);
  if (shown) {
    // Out of the address at once: nobody reads it over a shoulder, and no history keeps it.
    history.replaceState(null, "", "/crew/");
    if (/^[\w.~-]{16,200}$/.test(shown) && shown !== (await recall("token"))) {
      await remember("token", shown);
      await remember("round", null);
    }
  }
  token = (await recall("token")) || "";
}

// --- the round
async function askRound() {
  if (!token) return;
  try {
    const response = await fetch("/crew/api/run", { headers: { Authorization: `Bearer ${token}`, Accept: "application/json" } });
    if (response.status === 401) stranger = true;
    if (!response.ok) return;
    round = await response.json();
    stranger = false;
    await remember("round", round);
  } catch {
    return; // without a signal the round that is kept stays on the screen
  } finally {
    draw();
  }
}

// --- what is shown
async function draw() {
  at("welcome").hidden = Boolean(token);
  at("work").hidden = !token;
  if (!token) return;
  const own = await words().catch(() => []);
  const left = await waiting().catch(() => ({ places: 0, words: 0, photos: 0 }));
  drawState(left);
  drawTold(own.find((word) => word.id === last));
  at("begin").hidden = Boolean(shift.on);
  at("over").hidden = !shift.on;
  at("since").textContent = shift.on ? say("on_since", { time: timeOf(shift.on / 1000, undefined) }) : "";
  drawRound(own);
}

function drawRound(own) {
  const run = round && round.run;
  at("vehicle").textContent = (round && round.vehicle) || at("vehicle").textContent;
  at("round").textContent = run ? run.name : "";
  at("simulated").hidden = !(run && run.simulated);
  at("list").hidden = !run;
  const stops = run ? stopsNow(run, own) : [];
  // What nobody knows of is asked about in the list; it is next only when nothing else is left.
  const ahead = (stop) => !stop.dealt && stop.outcome === "expected";
  const next = stops.find((stop) => stop.id === chosen) || stops.find(ahead) || stops.find((stop) => !stop.dealt);
  at("now").hidden = !next;
  at("empty").hidden = Boolean(next) || !round;
  if (round && !next) at("empty").textContent = say(!round.vehicle ? "no_vehicle" : run ? "all_done" : "no_run");
  if (!run) return;
  if (next) {
    at("now").dataset.stop = next.id;
    at("now-name").textContent = titleOf(next);
    at("now-near").textContent = nearOf(next);
    at("now-when").textContent = whenOf(next, round.zone);
    at("words").hidden = !shift.on;
  }
  drawList(stops, { zone: round.zone, chosen: next && next.id, choose });
}

function choose(id) {
  chosen = id;
  draw().then(() => at("now").scrollIntoView({ block: "start" }));
}

function stateNow(left) {
  const kept = left.places + left.words + left.photos;
  if (stranger || sent.state === "refused") return "refused";
  if (!shift.on) return "off";
  if (shift.error === "denied") return "denied";
  if (kept && (sent.state === "silent" || !navigator.onLine)) return "waiting";
  if (!shift.fix && !shift.error) return "starting";
  if (!shift.fix || Date.now() - shift.fix.at > LOST_MS) return "lost";
  return "sending";
}

function drawState(left) {
  const state = stateNow(left);
  const kept = [["kept_places", left.places], ["kept_words", left.words], ["kept_photos", left.photos]]
    .filter(([, count]) => count)
    .map(([name, count]) => say(name, { count }))
    .join(", ");
  const more = kept && state === "off" ? "off_rest" : kept && state === "sending" ? "sending_now" : `${state}_more`;
  if (at("state").dataset.state !== state) at("state").dataset.state = state;
  put(at("state-text"), say(state));
  put(at("state-more"), say(more, { kept }));
}

// Only what differs, so that a screen reader hears of changes alone.
function put(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function drawTold(word) {
  at("told").hidden = !word;
  if (!word) return;
  const what = say(`reason_${word.reason}`);
  let text = word.stop ? say("said_stop", { what, stop: word.about }) : say("said_rest", { what });
  if (word.back) text = `${text} ${say("taken_back")}`;
  else if (word.why) text = `${text} ${say("not_taken", { why: word.why })}`;
  else if (word.photo) text = `${text} ${say("photo_added")}`;
  put(at("told-text"), text);
  const settled = Boolean(word.back) || word.state === "refused";
  at("undo").hidden = settled;
  at("photo-label").hidden = settled || Boolean(word.photo);
}

// --- what is said
function newId() {
  const numbers = crypto.getRandomValues(new Uint8Array(12));
  return Array.from(numbers, (number) => number.toString(16).padStart(2, "0")).join("");
}

async function tell(reason) {
  const rest = document.querySelector('input[name="whom"][value="rest"]').checked;
  const stop = rest ? null : Number(at("now").dataset.stop);
  const fix = shift.fix && Date.now() - shift.fix.at < LOST_MS ? shift.fix : {};
  const word = {
    id: newId(), token, reason, stop, run: round.run.id, about: rest ? "" : at("now-name").textContent, said_ms: Date.now(),
    lat: fix.lat, lon: fix.lon, state: "waiting", tries: 0, back: "", photo: null, why: "",
  };
  try {
    await addWord(word);
  } catch {
    at("told").hidden = false;
    at("told-text").textContent = say("no_room");
    return;
  }
  last = word.id;
  chosen = null;
  document.querySelector('input[name="whom"][value="stop"]').checked = true;
  mayRest();
  if (navigator.vibrate) navigator.vibrate(40);
  await draw();
  at("told").scrollIntoView({ block: "start" });
  send(true);
}

const lastWord = async () => (await words()).find((word) => word.id === last);

async function undo() {
  const word = await lastWord();
  // What no server can have heard of is simply dropped; the rest is taken back there.
  if (word) await changeWord(word.seq, (row) => (row.tries ? { ...row, back: row.back || "waiting" } : null));
  await draw();
  send(true);
}

async function addPhoto(event) {
  const [file] = event.target.files;
  const word = await lastWord();
  event.target.value = "";
  if (!file || !word) return;
  const small = await shrink(file);
  const photo = { state: "waiting", bytes: await bytesOf(small), type: small.type };
  await changeWord(word.seq, (row) => (row.back ? row : { ...row, photo })).catch(() => put(at("told-text"), say("no_room")));
  await draw();
  send(true);
}

function mayRest() {
  const rest = document.querySelector('input[name="whom"][value="rest"]').checked;
  for (const button of document.querySelectorAll(".reason")) button.disabled = rest && !("rest" in button.dataset);
}

// --- sending
async function send(hurry = false) {
  const before = await waiting().catch(() => null);
  sent = await flush({ hurry }).catch(() => ({ state: "silent" }));
  if (before && before.words && sent.left && !sent.left.words) askRound();
  draw();
  if (sent.kept) wakeLater();
}

// Lets the browser send what waits even after the page was closed, where it can.
async function wakeLater() {
  const registration = "serviceWorker" in navigator && (await navigator.serviceWorker.getRegistration("/crew/"));
  if (registration && registration.sync) await registration.sync.register("crew").catch(() => {});
}

// --- bright and dark
function startTheme() {
  const button = at("theme");
  const dark = () => {
    const { theme } = document.documentElement.dataset;
    return theme ? theme === "night" : matchMedia("(prefers-color-scheme: dark)").matches;
  };
  const name = () => (button.querySelector(".said").textContent = say(dark() ? "day" : "night"));
  button.hidden = false;
  button.addEventListener("click", () => {
    document.documentElement.dataset.theme = dark() ? "day" : "night";
    remember("theme", document.documentElement.dataset.theme).catch(() => {});
    name();
  });
  recall("theme").catch(() => "").then((theme) => {
    if (theme) document.documentElement.dataset.theme = theme;
    name();
  });
}

async function start() {
  startTheme();
  at("start").addEventListener("click", () => begin().then(() => draw()).then(() => send(true)));
  at("end").addEventListener("click", () => confirm(say("end_sure")) && end().then(() => send(true)));
  at("undo").addEventListener("click", undo);
  at("photo").addEventListener("change", addPhoto);
  for (const button of document.querySelectorAll(".reason")) button.addEventListener("click", () => tell(button.dataset.reason));
  for (const choice of document.querySelectorAll('input[name="whom"]')) choice.addEventListener("change", mayRest);
  mayRest();
  window.addEventListener("hashchange", () => readToken().then(askRound));
  window.addEventListener("online", () => send(true).then(askRound));
  document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && send(true).then(askRound));
  await readToken();
  round = (await recall("round")) || null;
  onChange(draw);
  await resume(draw);
  await draw();
  askRound();
  send();
  setInterval(send, SEND_EVERY_MS);
  setInterval(() => shift.on && document.visibilityState === "visible" && askRound(), ASK_EVERY_MS);
}

start().catch(() => {
  at("broken").hidden = false;
});
if ("serviceWorker" in navigator) {
  window.addEventListener("load", () => navigator.serviceWorker.register("/crew/worker.js", { scope: "/crew/" }).catch(() => {}));
}
