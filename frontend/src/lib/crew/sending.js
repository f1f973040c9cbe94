// Sending what waits: words first, then taking back, positions, and photos last, since they are large.
//
// The same code runs in every open tab and in the service worker; they take turns by a lock where the browser has one.
// A word carries an id of its own and a position its moment, so whatever is sent twice is taken in once.
import { changeWord, dropPlaces, places, recall, tidy, waiting, words } from "./store.js";

const LOCK = "saat-crew-sending";
const WAITS_MS = [3_000, 6_000, 12_000, 30_000, 60_000];
const TIMEOUT_MS = 20_000;
const SLOWEST_BYTES_PER_S = 1_500;
const MOST_LINES = 400;

// state: "" (nothing was tried yet), "fine", "silent" (no answer) or "refused" (the token is not known).
const told = { state: "", tries: 0, next_at: 0, at: 0 };
let running = null;

class Silence extends Error {}
class Stranger extends Error {}

// Sends what waits; resolves with {state, at, kept: how much still waits}. hurry: try at once, however often it failed.
export function flush({ hurry = false } = {}) {
  if (hurry) told.next_at = 0;
  // What was said while something was being sent does not wait for the next turn.
  if (running && hurry) return running.then(() => flush());
  if (!running) {
    const work = () => sendAll();
    running = (navigator.locks ? navigator.locks.request(LOCK, work) : work()).finally(() => {
      running = null;
    });
  }
  return running;
}

async function sendAll() {
  if (Date.now() >= told.next_at) {
    try {
      await sendWords();
      await takeBack();
      await sendPlaces();
      await sendPhotos();
      Object.assign(told, { state: "fine", tries: 0, next_at: 0, at: Date.now() });
      await tidy();
    } catch (error) {
      told.state = error instanceof Stranger ? "refused" : "silent";
      told.next_at = Date.now() + WAITS_MS[Math.min(told.tries, WAITS_MS.length - 1)];
      told.tries += 1;
    }
  }
  const left = await waiting();
  return { state: told.state, at: told.at, kept: left.places + left.words + left.photos, left };
}

async function sendWords() {
  for (const word of await words()) {
    if (word.state !== "waiting") continue;
    // Marked as tried before it goes: from now on it can only be taken back, not dropped.
    const tried = await changeWord(word.seq, (row) => ({ ...row, tries: row.tries + 1 }));
    if (!tried) continue;
    const { id, reason, run, stop, said_ms, lat, lon } = word;
    const body = JSON.stringify({ client_id: id, reason, run, stop, said_ms, sent_ms: Date.now(), lat, lon });
    const answer = await post("/crew/api/notes", word.token, body, "application/json");
    await changeWord(word.seq, (row) => ({ ...row, state: answer.refused ? "refused" : "sent", why: answer.why }));
  }
}

async function takeBack() {
  for (const word of await words()) {
    if (word.back !== "waiting" || word.state === "waiting") continue;
    const answer = word.state === "sent" ? await post(`/crew/api/notes/${word.id}/back`, word.token, "") : {};
    await changeWord(word.seq, (row) => ({ ...row, back: answer.refused ? "refused" : "sent", photo: null }));
  }
}

async function sendPlaces() {
  for (;;) {
    const rows = await places(MOST_LINES);
    if (!rows.length) return;
    const { token } = rows[0];
    const other = rows.findIndex((row) => row.token !== token);
    const batch = other < 0 ? rows : rows.slice(0, other);
    const body = batch.map((row) => `${JSON.stringify(row.line)}\n`).join("");
    await post("/positions/batch", token, body, "application/x-ndjson");
    await dropPlaces(batch[0].seq, batch[batch.length - 1].seq);
  }
}

async function sendPhotos() {
  for (const word of await words()) {
    if (!word.photo || word.photo.state !== "waiting" || word.state === "waiting" || word.back) continue;
    const { bytes, type } = word.photo;
    const body = new FormData();
    body.append("photo", new Blob([bytes], { type }), "photo.jpg");
    const answer = await post(`/crew/api/notes/${word.id}/photo`, word.token, body, "", bytes.byteLength);
    const photo = { state: answer.refused ? "refused" : "sent" };
    await changeWord(word.seq, (row) => ({ ...row, photo, why: answer.why || row.why }));
  }
}

// Resolves with {} where it was taken in, or {refused, why} where it never will be.
async function post(address, token, body, type = "", bytes = 0) {
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(), TIMEOUT_MS + (bytes / SLOWEST_BYTES_PER_S) * 1000);
  const headers = { Authorization: `Bearer ${token}`, Accept: "application/json" };
  if (type) headers["Content-Type"] = type;
  try {
    const response = await fetch(address, { method: "POST", body, headers, credentials: "same-origin", signal: stop.signal });
    // A hotel's login page answers 200 too; only our own answers are JSON.
    const known = (response.headers.get("Content-Type") || "").includes("json");
    if (response.status === 413) return { refused: true, why: "" };
    if (!known) throw new Silence();
    if (response.status === 401) {
      if (token === (await recall("token"))) throw new Stranger();
      return { refused: true, why: "" }; // of an earlier code of this phone, which nobody will know again
    }
    if (response.ok) return {};
    if (response.status === 404 || response.status === 422 || response.status === 400) {
      const answer = await response.json().catch(() => ({}));
      return { refused: true, why: answer.error || "" };
    }
    throw new Silence();
  } finally {
    clearTimeout(timer);
  }
}
