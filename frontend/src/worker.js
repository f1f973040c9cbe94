// The service worker: the report form opens without a connection, and what waits is sent when there is one again.
import { flush } from "./lib/resident/outbox.js";
import { makeShell } from "./lib/shell.js";

const shell = makeShell({ store: "saat-shell", page: "/" });

self.addEventListener("install", (event) => {
  event.waitUntil(shell.keep().then(() => self.skipWaiting()));
});

self.addEventListener("activate", (event) => {
  event.waitUntil(self.clients.claim());
});

self.addEventListener("fetch", shell.answer);

self.addEventListener("sync", (event) => {
  if (event.tag !== "outbox") return;
  event.waitUntil(
    flush().then((waiting) => {
      if (waiting) throw new Error("some reports still wait");
    }),
  );
});
