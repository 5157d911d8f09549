// Serves the tablet's page from the cache, so that it works without a network. `SHELL` (version, files) is put above.
"use strict";

const CACHE = `kiosk-${SHELL.version}`;

self.addEventListener("install", (event) => {
  event.waitUntil(caches.open(CACHE).then((cache) => cache.addAll(SHELL.files.map((file) => new Request(file, { cache: "reload" })))));
});

self.addEventListener("activate", (event) => {
  const tidy = async () => {
    for (const name of await caches.keys()) if (name !== CACHE) await caches.delete(name);
    await self.clients.claim();
  };
  event.waitUntil(tidy());
});

// A new version waits until the page says that nobody is answering. A page that was loading when the worker started is
// not controlled by it, and asks for that.
self.addEventListener("message", (event) => {
  if (event.data === "activate") self.skipWaiting();
  if (event.data === "claim") event.waitUntil(self.clients.claim());
});

self.addEventListener("fetch", (event) => {
  const { method, mode, url } = event.request;
  const { origin, pathname, search } = new URL(url);
  if (method !== "GET" || origin !== self.location.origin) return;
  const file = mode === "navigate" && pathname.replace(/\/$/, "") === "/kiosk" ? "/kiosk" : pathname + search;
  if (SHELL.files.includes(file)) {
    event.respondWith(caches.match(file, { cacheName: CACHE }).then((found) => found ?? fetch(event.request)));
  }
});

// With Background Sync the browser sends answers even when the page is closed.
self.addEventListener("sync", (event) => {
  if (event.tag !== "kiosk-send") return;
  event.waitUntil(send(SHELL.version).then(({ left }) => { if (left) throw new Error("some answers still wait"); }));
});
