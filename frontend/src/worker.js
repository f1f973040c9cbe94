// The service worker: the report form opens without a connection, and what waits is sent when there is one again.
import { flush } from "./lib/resident/outbox.js";

const SHELL = "saat-shell";
const PAGE = "/";
const BUILT = /\/static\/saat\/(?:dist|icons)\/[\w./-]+/g;
const PATIENCE_MS = 4_000;

self.addEventListener("install", (event) => {
  event.waitUntil(renew().then(() => self.skipWaiting()));
});

self.addEventListener("activate", (event) => {
  event.waitUntil(self.clients.claim());
});

// Keeps the page with everything that it names; the files first, so that a kept page is never without them.
async function renew(response) {
  const page = response || (await fetch(PAGE, { credentials: "same-origin" }));
  if (!page.ok) return;
  const html = await page.clone().text();
  const cache = await caches.open(SHELL);
  const named = [...new Set(html.match(BUILT) || [])].filter((address) => !address.includes("/map/"));
  for (const address of named) {
    if (!(await cache.match(address))) await cache.add(address);
  }
  await cache.put(PAGE, page);
  for (const request of await cache.keys()) {
    const { pathname } = new URL(request.url);
    if (pathname !== PAGE && !named.includes(pathname)) await cache.delete(request);
  }
}

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const address = new URL(request.url);
  if (request.method !== "GET" || address.origin !== location.origin) return;
  if (request.mode === "navigate" && address.pathname === PAGE) event.respondWith(page(event));
  else if (address.pathname.startsWith("/static/saat/")) event.respondWith(file(request));
});

async function page(event) {
  const kept = await caches.match(PAGE);
  try {
    const response = await (kept ? soon(fetch(event.request)) : fetch(event.request));
    if (response.ok) event.waitUntil(renew(response.clone()).catch(() => {}));
    // A server that is ill for a moment does not keep anybody from writing a report.
    return response.status >= 500 && kept ? kept : response;
  } catch (error) {
    if (kept) return kept;
    throw error;
  }
}

function soon(answer) {
  return new Promise((resolve, reject) => {
    setTimeout(() => reject(new Error("too slow")), PATIENCE_MS);
    answer.then(resolve, reject);
  });
}

async function file(request) {
  return (await caches.match(request)) || fetch(request);
}

self.addEventListener("sync", (event) => {
  if (event.tag !== "outbox") return;
  event.waitUntil(
    flush().then((waiting) => {
      if (waiting) throw new Error("some reports still wait");
    }),
  );
});
