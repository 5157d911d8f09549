// Serves the tablet's page from the cache, so that it works without a network. `SHELL` is put above: the version, and the
// content type of each file by its address.
"use strict";

const CACHE = `kiosk-${SHELL.version}`;

self.addEventListener("install", (event) => event.waitUntil(install()));
self.addEventListener("activate", (event) => event.waitUntil(limitWait(activate()).catch(() => {})));

/** Store the files of this version. If one of them is not ours, nothing is stored, and the worker before stays. */
async function install() {
  const files = Object.keys(SHELL.files);
  const replies = await Promise.all(files.map(fetchOurs));
  const cache = await caches.open(CACHE);
  await Promise.all(files.map((file, place) => cache.put(file, replies[place])));
}

/**
 * Fetch a file and check that it is ours and of this version. Something else may answer in place of the service: a
 * network that wants a sign-in, a proxy, or the version before while an upgrade is under way.
 */
async function fetchOurs(file) {
  const reply = await fetch(file, { cache: "reload", redirect: "error" });
  const type = reply.headers.get("Content-Type")?.split(";")[0].trim();
  const ours = reply.status === 200 && type === SHELL.files[file] && (await isOurs(file, await reply.clone().arrayBuffer()));
  if (!ours) throw new Error(`${file} is not ours`);
  return reply;
}

/** Whether a body belongs to an address: the address carries its hash; the page carries the version, and is whole. */
async function isOurs(file, body) {
  const hash = new URL(file, location).searchParams.get("v");
  if (!hash) {
    const page = new TextDecoder().decode(body);
    return page.includes(` data-version="${SHELL.version}"`) && page.trimEnd().endsWith("</html>");
  }
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", body));
  return [...digest].map((byte) => byte.toString(16).padStart(2, "0")).join("").startsWith(hash);
}

/** Take over all pages. The files of the version before stay for a page of it that is still loading. */
async function activate() {
  await self.clients.claim();
  const before = (await caches.keys()).filter((name) => name !== CACHE);
  for (const name of before.slice(0, -1)) await caches.delete(name);
}

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
  const isPage = mode === "navigate" && pathname.replace(/\/$/, "") === "/kiosk";
  const file = pathname + search;
  if (isPage) event.respondWith(servePage(event));
  else if (file in SHELL.files || pathname.startsWith("/assets/")) event.respondWith(findFile(file).then((found) => found ?? fetch(event.request)));
});

/** Find a stored file. A storage that does not answer has none. */
const findFile = (file, where) => limitWait(caches.match(file, where)).catch(() => undefined);

/** Answer with the stored page of this version. If the browser lost it, the network answers, and the files are stored again. */
async function servePage(event) {
  const found = await findFile("/kiosk", { cacheName: CACHE });
  if (found) return found;
  event.waitUntil(install().catch(() => {}));
  return fetch(event.request);
}

// With Background Sync the browser sends answers even when the page is closed.
self.addEventListener("sync", (event) => {
  if (event.tag !== "kiosk-send") return;
  event.waitUntil(send(SHELL.version).then(({ left }) => { if (left) throw new Error("some answers still wait"); }));
});
