// What a crew's phone keeps: words (taps), places (positions), and single things by name (token, shift, the run).
//
// A word: {seq, id, token, run, stop, reason, said_ms, lat, lon, about, state, tries, back, photo, why}. state: waiting,
// sent or refused; back and photo.state: "" (none), waiting, sent or refused. A place: {seq, token, line}.
const DATABASE = "saat-crew";
const KEEP_WORDS_MS = 36 * 3600 * 1000;

const channel = typeof BroadcastChannel === "undefined" ? null : new BroadcastChannel("saat-crew");
const listeners = new Set();
if (channel) channel.onmessage = () => listeners.forEach((tell) => tell());

export function changed() {
  listeners.forEach((tell) => tell());
  if (channel) channel.postMessage("changed");
}

// Calls back after every change, in this tab or another, or in the service worker.
export function onChange(tell) {
  listeners.add(tell);
}

function opened() {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(DATABASE, 1);
    request.onupgradeneeded = () => {
      const { result } = request;
      result.createObjectStore("words", { keyPath: "seq", autoIncrement: true }).createIndex("id", "id", { unique: true });
      result.createObjectStore("places", { keyPath: "seq", autoIncrement: true });
      result.createObjectStore("kept");
    };
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

// Runs `work(store)` in one transaction and resolves with what the request that it returns has found, once durable.
async function within(name, mode, work) {
  const database = await opened();
  try {
    return await new Promise((resolve, reject) => {
      const transaction = database.transaction(name, mode);
      const request = work(transaction.objectStore(name));
      transaction.oncomplete = () => resolve(request && request.result);
      transaction.onerror = transaction.onabort = () => reject(transaction.error);
    });
  } finally {
    database.close();
  }
}

export const recall = (name) => within("kept", "readonly", (store) => store.get(name));
export const remember = (name, value) => within("kept", "readwrite", (store) => store.put(value, name));

export const words = () => within("words", "readonly", (store) => store.getAll());
export const places = (most) => within("places", "readonly", (store) => store.getAll(null, most));
export const countPlaces = () => within("places", "readonly", (store) => store.count());

export async function addWord(word) {
  await within("words", "readwrite", (store) => store.add(word));
  changed();
}

export async function addPlace(place) {
  await within("places", "readwrite", (store) => store.add(place));
  changed();
}

export async function dropPlaces(from, to) {
  await within("places", "readwrite", (store) => store.delete(IDBKeyRange.bound(from, to)));
  changed();
}

// Changes one word where it still is: `change(word)` returns the word to keep, or null to drop it.
// Resolves with what is kept, or undefined if there is no such word (any more).
export async function changeWord(seq, change) {
  let after;
  await within("words", "readwrite", (store) => {
    const look = store.get(seq);
    look.onsuccess = () => {
      if (!look.result) return;
      after = change(look.result) || undefined;
      if (after) store.put(after);
      else store.delete(seq);
    };
    return look;
  });
  changed();
  return after;
}

// Forgets words of earlier days that nothing is left to do about.
export async function tidy() {
  const oldest = Date.now() - KEEP_WORDS_MS;
  for (const word of await words()) {
    const settled = word.state !== "waiting" && word.back !== "waiting" && !(word.photo && word.photo.state === "waiting");
    if (settled && word.said_ms < oldest) await changeWord(word.seq, () => null);
  }
}

// Returns how much waits to be sent: {places, words, photos}.
export async function waiting() {
  const kept = await words();
  return {
    places: await countPlaces(),
    words: kept.filter((word) => word.state === "waiting" || word.back === "waiting").length,
    photos: kept.filter((word) => word.photo && word.photo.state === "waiting").length,
  };
}
