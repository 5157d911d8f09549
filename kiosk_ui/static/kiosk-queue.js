// What the tablet holds and how it gets rid of it: shared by the page and the service worker.
"use strict";

const API = "/api/v1/kiosk/";
const BATCH = 50; // answers in one call
const PATIENCE = 20_000; // milliseconds that a call may take

/** Seconds of the last heartbeat, in this page or worker. */
let lastBeat = 0;

// --- the disk ---

/** @type {Promise<IDBDatabase> | undefined} */
let opening;

/** The database; opened once, and again if the browser closed it. @returns {Promise<IDBDatabase>} */
function database() {
  opening ??= new Promise((resolve, reject) => {
    const request = indexedDB.open("vidhuk-kiosk", 1);
    request.onupgradeneeded = () => {
      request.result.createObjectStore("answers", { keyPath: "client_id" });
      request.result.createObjectStore("kept");
    };
    request.onsuccess = () => {
      request.result.onversionchange = () => request.result.close();
      request.result.onclose = () => { opening = undefined; };
      resolve(request.result);
    };
    request.onerror = () => { opening = undefined; reject(request.error); };
  });
  return opening;
}

/**
 * Do something with a store; what is written is on the disk when the promise resolves, not only on its way there.
 * @param {"answers" | "kept"} name
 * @param {IDBTransactionMode} mode
 * @param {(store: IDBObjectStore) => IDBRequest | void} work
 */
async function inStore(name, mode, work) {
  const db = await database();
  return new Promise((resolve, reject) => {
    const transaction = db.transaction(name, mode, { durability: mode === "readwrite" ? "strict" : "default" });
    const request = work(transaction.objectStore(name));
    transaction.oncomplete = () => resolve(request?.result);
    transaction.onerror = transaction.onabort = () => reject(transaction.error ?? request?.error ?? new Error("aborted"));
  });
}

const kept = (name) => inStore("kept", "readonly", (store) => store.get(name));
const keep = (name, value) => inStore("kept", "readwrite", (store) => store.put(value, name));
const forget = (...names) => inStore("kept", "readwrite", (store) => names.map((name) => store.delete(name)).at(-1));

/** Everything that is held: sealed answers that wait, and those that the service refused. */
const held = async () => (await inStore("answers", "readonly", (store) => store.getAll())) ?? [];
const waiting = async () => (await held()).filter((each) => !each.refused);

// --- the seal ---

const bytes = (text) => new TextEncoder().encode(text);

/** Remember the key that answers are sealed with; scripts can use it and not read it. */
async function keepKey({ id, key }) {
  const keys = (await kept("keys")) ?? {};
  if (!keys[id]) {
    const raw = Uint8Array.from(atob(key), (letter) => letter.charCodeAt(0));
    keys[id] = await crypto.subtle.importKey("raw", raw, "AES-GCM", false, ["encrypt", "decrypt"]);
    await keep("keys", keys);
  }
  if ((await kept("key")) !== id) await keep("key", id);
}

/** What it says, sealed for whoever has the key: 12 bytes of nonce, then the box. The name is sealed in. */
async function seal(name, said) {
  const id = await kept("key");
  const nonce = crypto.getRandomValues(new Uint8Array(12));
  const how = { name: "AES-GCM", iv: nonce, additionalData: bytes(name) };
  const box = new Uint8Array(await crypto.subtle.encrypt(how, (await kept("keys"))[id], bytes(JSON.stringify(said))));
  const sealed = new Uint8Array(12 + box.length);
  sealed.set(nonce);
  sealed.set(box, 12);
  return { key: id, sealed };
}

/** What was sealed under this name. */
async function unseal(name, { key, sealed }) {
  const how = { name: "AES-GCM", iv: sealed.subarray(0, 12), additionalData: bytes(name) };
  return JSON.parse(new TextDecoder().decode(await crypto.subtle.decrypt(how, (await kept("keys"))[key], sealed.subarray(12))));
}

/** Hold an answer until the service has it; resolves when it is on the disk. */
async function hold(centre, { client_id, ...said }) {
  const sealed = await seal(client_id, said);
  const skew = (await kept("skew")) ?? 0;
  await inStore("answers", "readwrite", (store) => store.put({ client_id, centre, at: Date.parse(said.answered_at), skew, ...sealed }));
}

/** The answer as the service takes it, its time told by the clock as it runs now. */
async function told(item, skew) {
  const answered_at = new Date(item.at - (item.skew - skew) * 1000).toISOString();
  return { client_id: item.client_id, ...(await unseal(item.client_id, item)), answered_at };
}

// --- the line ---

/** Ask the service; `null` when it cannot be reached in time. @returns {Promise<Response | null>} */
async function ask(path, body, headers = {}) {
  const how = body === undefined ? {} : { method: "POST", body: JSON.stringify(body) };
  if (body !== undefined) headers = { "Content-Type": "application/json", ...headers };
  try {
    return await fetch(API + path, { ...how, headers, cache: "no-store", signal: AbortSignal.timeout(PATIENCE) });
  } catch {
    return null;
  }
}

/** Say how the tablet fares, and learn how far its clock runs ahead; the status, 0 without a line. */
async function beat(version, battery = null) {
  const waits = await waiting();
  const oldest = waits.length ? new Date(Math.min(...waits.map((each) => each.at))).toISOString() : null;
  const persisted = (await navigator.storage?.persisted?.()) ?? null;
  const time = new Date().toISOString();
  const reply = await ask("heartbeat", { version, queue: waits.length, oldest_at: oldest, persisted, battery, time });
  if (reply?.ok) {
    const { skew_seconds: skew } = await reply.json();
    if (skew !== ((await kept("skew")) ?? 0)) await keep("skew", skew);
    lastBeat = Date.now();
  }
  return reply?.status ?? 0;
}

/**
 * Send what waits. Nothing is deleted before the service said what became of it. One of page and worker sends; who
 * is `patient` waits for the other.
 * @returns {Promise<{left: number, status: number, wait?: number}>} what still waits, the last status (0: no line),
 *   and the seconds to wait if the service asked for that
 */
async function send(version, { patient = false } = {}) {
  const busy = { left: 1, status: -1 };
  return navigator.locks.request("kiosk-send", { ifAvailable: !patient }, async (lock) => (lock ? sendAll(version) : busy));
}

async function sendAll(version) {
  const centre = (await kept("config"))?.device.centre;
  const mine = async () => (await waiting()).filter((each) => each.centre === centre);
  let queue = await mine();
  if (queue.length && Date.now() - lastBeat > 60_000) await beat(version);
  let size = BATCH;
  while (queue.length) {
    const batch = queue.slice(0, size);
    const skew = (await kept("skew")) ?? 0;
    const reply = await ask("responses", { responses: await Promise.all(batch.map((each) => told(each, skew))) });
    if (reply?.ok) {
      await settle(batch, (await reply.json()).results);
    } else if (reply && reply.status < 500 && ![401, 403, 408, 429].includes(reply.status)) {
      // Not one of them is at fault, as it seems, but the call: find the one by which it is.
      if (batch.length === 1) await settle(batch, [{ client_id: batch[0].client_id, status: "rejected", problem: { detail: String(reply.status) } }]);
      size = 1;
    } else {
      return { left: queue.length, status: reply?.status ?? 0, wait: Number(reply?.headers.get("Retry-After")) || undefined };
    }
    queue = await mine();
  }
  return { left: 0, status: 200 };
}

/** Let go of what the service has; keep what it refused, for the staff. */
async function settle(batch, results) {
  const became = new Map(results.map((result) => [result.client_id, result]));
  await inStore("answers", "readwrite", (store) => {
    for (const item of batch) {
      const result = became.get(item.client_id);
      if (result?.status === "rejected") store.put({ ...item, refused: result.problem?.detail ?? "?" });
      else if (result) store.delete(item.client_id);
    }
  });
}
