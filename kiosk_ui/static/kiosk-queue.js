// What the tablet holds and how it gets rid of it: shared by the page and the service worker.
"use strict";

const API = "/api/v1/kiosk/";
const BATCH = 50; // answers in one call
const PATIENCE = 20_000; // milliseconds that a call may take
const OF_THE_CALL = [400, 413, 415, 422]; // what the service says of a call in which one answer is at fault
const STUMBLES = 10; // answers by which the service may fail before a round ends

/** When the last heartbeat was heard, in this page or worker. */
let lastBeat = 0;

/** Whether the disk refused an answer and has taken nothing since, as far as this page or worker knows. */
let full = false;

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

/** Hold an answer until the service has it; resolves when it is on the disk. It opens only as this place's. */
async function hold({ id: device, centre }, { client_id, ...said }) {
  const sealed = await seal(client_id, said);
  const skew = (await kept("skew")) ?? 0;
  const at = Date.parse(said.answered_at);
  await inStore("answers", "readwrite", (store) => store.put({ client_id, device, centre, at, skew, ...sealed }));
}

/** The answer as the service takes it, its time told by the clock as it runs now. */
async function told(item, skew) {
  const answered_at = new Date(item.at - (item.skew - skew) * 1000).toISOString();
  return { client_id: item.client_id, ...(await unseal(item.client_id, item)), answered_at };
}

// --- the line ---

/**
 * Ask the service. `null` when it cannot be reached in time: also when somebody else answers in its place, such as a
 * network that wants a sign-in, or a proxy with a page of its own. The service speaks JSON.
 * @returns {Promise<{ok: boolean, status: number, headers: Headers, said: any} | null>}
 */
async function ask(path, body, headers = {}) {
  const how = body === undefined ? {} : { method: "POST", body: JSON.stringify(body) };
  if (body !== undefined) headers = { "Content-Type": "application/json", ...headers };
  try {
    const reply = await fetch(API + path, { ...how, headers, cache: "no-store", signal: AbortSignal.timeout(PATIENCE) });
    const { ok, status } = reply;
    return { ok, status, headers: reply.headers, said: status === 304 ? null : await reply.json() };
  } catch {
    return null;
  }
}

/** Say how the tablet fares, and learn how far its clock runs ahead; the status, 0 without a line. */
async function beat(version) {
  const latest = await latestTime();
  const room = await keep("latest", latest).then(() => !full, () => false);
  const waits = await waiting().catch(() => []);
  const oldest = waits.length ? new Date(Math.min(...waits.map((each) => each.at))).toISOString() : null;
  const persisted = (await navigator.storage?.persisted?.()) ?? null;
  const battery = (await navigator.getBattery?.().catch(() => null))?.level ?? null;
  const now = Date.now();
  const told = { version, queue: room ? waits.length : null, oldest_at: oldest, persisted, battery, time: new Date(now).toISOString() };
  const reply = await ask("heartbeat", told);
  if (reply?.ok) {
    lastBeat = now;
    if (room && latest > now) await keep("latest", now);
    if (room && reply.said.skew_seconds !== ((await kept("skew")) ?? 0)) await keep("skew", reply.said.skew_seconds);
  }
  return reply?.status ?? 0;
}

/**
 * The time by the tablet's clock, as the last known difference to ours understands it. A clock that starts anew after
 * the power failed tells less than it did before: then nothing is known but that it is later than that.
 */
async function latestTime() {
  return Math.max(Date.now(), (await kept("latest").catch(() => 0)) ?? 0);
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
  const failed = new Set(); // by these the service fails: they hold up no other, and are tried again the next time
  const mine = async () => (await waiting()).filter((each) => each.centre === centre && !failed.has(each.client_id));
  let queue = await mine();
  if (queue.length && Date.now() - lastBeat > 60_000) await beat(version);
  let size = BATCH;
  for (; queue.length; queue = await mine()) {
    const batch = await readable(queue.slice(0, size));
    if (!batch.size) continue;
    const reply = await ask("responses", { responses: [...batch.values()] });
    const status = reply?.status ?? 0;
    const stopped = { left: queue.length + failed.size, status, wait: Number(reply?.headers.get("Retry-After")) || undefined };
    if (reply?.ok) {
      if (!(await settle(batch.keys(), reply.said.results ?? []))) return { ...stopped, status: 0 };
    } else if (OF_THE_CALL.includes(status) || status === 500) {
      const [alone] = batch.size === 1 ? batch.keys() : [];
      const judged = status !== 500 && reply.headers.get("Content-Type")?.startsWith("application/problem+json");
      if (alone && judged) await refuse(alone, String(status));
      else if (alone) failed.add(alone.client_id);
      if (failed.size > STUMBLES) return stopped;
      size = 1; // not all of them are at fault, as it seems: find the one that is
    } else {
      return stopped;
    }
  }
  return { left: failed.size, status: 200 };
}

/** These items, each with what is to be sent of it. One that does not open is kept for the staff. */
async function readable(items) {
  const skew = (await kept("skew")) ?? 0;
  const opened = new Map();
  for (const item of items) {
    try {
      opened.set(item, await told(item, skew));
    } catch {
      await refuse(item, "unreadable");
    }
  }
  return opened;
}

/** Keep what will never be sent, for the staff. */
const refuse = (item, why) => inStore("answers", "readwrite", (store) => store.put({ ...item, refused: why }));

/** Let go of what the service has; keep what it refused. How many it spoke of. */
async function settle(items, results) {
  const became = new Map(results.map((result) => [result.client_id, result]));
  const judged = [...items].filter(({ client_id }) => became.has(client_id));
  await inStore("answers", "readwrite", (store) => {
    for (const item of judged) {
      const { status, problem } = became.get(item.client_id);
      if (status === "rejected") store.put({ ...item, refused: problem?.detail ?? "?" });
      else store.delete(item.client_id);
    }
  });
  return judged.length;
}
