// Reports that wait on the phone: kept in IndexedDB, sent when there is a connection, each taken in once.
//
// The same code runs in every open tab and in the service worker. They take turns by a lock where the browser has one;
// and because a report carries an id of its own, the server takes it in once even if they do not.
const DATABASE = "saat";
const STORE = "reports";
const LOCK = "saat-outbox";
const WAITS_MS = [4_000, 10_000, 30_000, 120_000, 600_000];
const SLOWEST_BYTES_PER_S = 1_500;
const LEAST_TIMEOUT_MS = 30_000;
const KEEP_SENT_MS = 60 * 24 * 3600 * 1000;

const channel = typeof BroadcastChannel === "undefined" ? null : new BroadcastChannel(LOCK);
const listeners = new Set();
if (channel) channel.onmessage = () => listeners.forEach((tell) => tell());

function changed() {
  listeners.forEach((tell) => tell());
  if (channel) channel.postMessage("changed");
}

// Calls back after every change of the list, in this tab or another.
export function onChange(tell) {
  listeners.add(tell);
}

function opened() {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(DATABASE, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(STORE, { keyPath: "id" });
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

// Runs `work(store)` in one transaction and resolves with what the request that it returns has found, once durable.
async function within(mode, work) {
  const database = await opened();
  try {
    return await new Promise((resolve, reject) => {
      const transaction = database.transaction(STORE, mode);
      const request = work(transaction.objectStore(STORE));
      transaction.oncomplete = () => resolve(request && request.result);
      transaction.onerror = transaction.onabort = () => reject(transaction.error);
    });
  } finally {
    database.close();
  }
}

const put = (report) => within("readwrite", (store) => store.put(report));

// Returns all reports on this phone, the oldest first.
export async function all() {
  const found = await within("readonly", (store) => store.getAll());
  return found.sort((a, b) => a.made_at - b.made_at);
}

// Keeps a report until it is sent. fields: [name, value] pairs; photos: Blobs. Rejects if the phone has no room.
export async function add({ id, address, fields, photos, what }) {
  const kept = [];
  for (const photo of photos) kept.push({ bytes: await new Response(photo).arrayBuffer(), type: photo.type, name: photo.name || "photo.jpg" });
  await put({ id, address, fields, photos: kept, what, made_at: Date.now(), state: "waiting", tries: 0, next_at: 0 });
  changed();
}

// Forgets a report: one that waits is then never sent by this phone.
export async function forget(id) {
  await within("readwrite", (store) => store.delete(id));
  changed();
}

// Lets everything that waits be tried at once.
export async function hurry() {
  await within("readwrite", (store) => {
    const walk = store.openCursor();
    walk.onsuccess = () => {
      const cursor = walk.result;
      if (!cursor) return;
      if (cursor.value.state === "waiting") cursor.update({ ...cursor.value, next_at: 0 });
      cursor.continue();
    };
    return walk;
  });
  return flush();
}

let running = null;

// Sends what is due, one after the other; resolves with the number of reports that still wait.
export function flush() {
  if (!running) {
    const work = () => sendAll();
    running = (navigator.locks ? navigator.locks.request(LOCK, work) : work()).finally(() => {
      running = null;
    });
  }
  return running;
}

async function sendAll() {
  for (;;) {
    const now = Date.now();
    const reports = await all();
    await tidy(reports, now);
    const due = reports.find((report) => report.state === "waiting" && report.next_at <= now);
    if (!due) return reports.filter((report) => report.state === "waiting").length;
    await sendOne(due);
  }
}

async function tidy(reports, now) {
  for (const report of reports) {
    if (report.state === "sent" && now - report.made_at > KEEP_SENT_MS) await forget(report.id);
  }
}

async function sendOne(report) {
  const answer = await post(report).catch(() => null);
  const after = { ...report, tries: report.tries + 1 };
  if (answer && answer.code) {
    Object.assign(after, { state: "sent", code: answer.code, url: answer.url, photos: [], fields: [] });
  } else if (answer && answer.refused) {
    Object.assign(after, { state: "refused", why: answer.refused });
  } else {
    const wait = WAITS_MS[Math.min(report.tries, WAITS_MS.length - 1)];
    after.next_at = Date.now() + Math.max(wait, (answer && answer.wait_ms) || 0);
  }
  // Cancelled meanwhile and not sent: it stays away. Cancelled too late: it is shown as sent, which is the truth.
  await within("readwrite", (store) => {
    const look = store.get(report.id);
    look.onsuccess = () => {
      if (look.result || after.state === "sent") store.put(after);
    };
    return look;
  });
  changed();
}

async function post(report) {
  const body = new FormData();
  for (const [name, value] of report.fields) body.append(name, value);
  let bytes = 0;
  for (const photo of report.photos) {
    body.append("photos", new Blob([photo.bytes], { type: photo.type }), photo.name);
    bytes += photo.bytes.byteLength;
  }
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(), LEAST_TIMEOUT_MS + (bytes / SLOWEST_BYTES_PER_S) * 1000);
  try {
    const response = await fetch(report.address, {
      method: "POST",
      body,
      headers: { Accept: "application/json" },
      credentials: "same-origin",
      signal: stop.signal,
    });
    if (response.status === 413) return { refused: [""] };
    if (response.status === 429) return { wait_ms: 1000 * (Number(response.headers.get("Retry-After")) || 0) };
    // A hotel's login page answers 200 too; only an answer with a code is a receipt.
    const told = await response.json();
    if (response.ok && told.code) return told;
    if (response.status === 422 && told.errors) return { refused: told.errors.map((error) => error.message) };
    return null;
  } finally {
    clearTimeout(timer);
  }
}
