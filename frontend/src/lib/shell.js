// What a service worker keeps so that a page opens without a connection: the page, and the files that it names.
const BUILT = /\/static\/saat\/(?:dist|icons)\/[\w./-]+/g;
const PATIENCE_MS = 4_000;

// Returns {keep, answer}: `keep()` fetches and keeps the page; `answer(event)` answers a fetch where it can.
// store: the cache's name; page: the path of the page; also: further paths at which the same page is shown.
export function makeShell({ store, page, also = [] }) {
  // The files first, so that a kept page is never without them.
  async function keep(response) {
    const fresh = response || (await fetch(page, { credentials: "same-origin" }));
    if (!fresh.ok) return;
    const html = await fresh.clone().text();
    const cache = await caches.open(store);
    const named = [...new Set(html.match(BUILT) || [])].filter((address) => !address.includes("/map/"));
    for (const address of named) {
      if (!(await cache.match(address))) await cache.add(address);
    }
    await cache.put(page, fresh);
    for (const request of await cache.keys()) {
      const { pathname } = new URL(request.url);
      if (pathname !== page && !named.includes(pathname)) await cache.delete(request);
    }
  }

  async function show(event) {
    const kept = await caches.match(page);
    try {
      const response = await (kept ? soon(fetch(event.request)) : fetch(event.request));
      if (response.ok) event.waitUntil(keep(response.clone()).catch(() => {}));
      // A server that is ill for a moment keeps nobody from working.
      return response.status >= 500 && kept ? kept : response;
    } catch (error) {
      if (kept) return kept;
      throw error;
    }
  }

  function answer(event) {
    const { request } = event;
    const address = new URL(request.url);
    if (request.method !== "GET" || address.origin !== location.origin) return;
    const ours = address.pathname === page || also.includes(address.pathname);
    if (request.mode === "navigate" && ours) event.respondWith(show(event));
    else if (address.pathname.startsWith("/static/saat/")) event.respondWith(file(request));
  }

  return { keep, answer };
}

async function file(request) {
  return (await caches.match(request)) || fetch(request);
}

function soon(answer) {
  return new Promise((resolve, reject) => {
    setTimeout(() => reject(new Error("too slow")), PATIENCE_MS);
    answer.then(resolve, reject);
  });
}
