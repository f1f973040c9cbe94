// The service worker of the crew's page: it opens without a signal, and what waits is sent when there is one again.
import { flush } from "./lib/crew/sending.js";
import { makeShell } from "./lib/shell.js";

const shell = makeShell({ store: "saat-crew-shell", page: "/crew/", also: ["/crew/start"] });

self.addEventListener("install", (event) => {
  event.waitUntil(shell.keep().then(() => self.skipWaiting()));
});

self.addEventListener("activate", (event) => {
  event.waitUntil(self.clients.claim());
});

self.addEventListener("fetch", shell.answer);

self.addEventListener("sync", (event) => {
  if (event.tag !== "crew") return;
  event.waitUntil(
    flush({ hurry: true }).then((told) => {
      if (told.kept) throw new Error("something still waits");
    }),
  );
});
