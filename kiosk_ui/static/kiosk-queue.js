// The queue of answers on the tablet: storing, sealing, sending. The page and the service worker share this file.
"use strict";

const API = "/api/v1/kiosk/";
const BATCH = 50; // answers in one call
const PATIENCE = 20_000; // milliseconds after which a call is given up
const OF_THE_CALL = [400, 413, 415, 422]; // statuses of a call that was refused because of one answer in it
const STORAGE_PATIENCE = 6_000; // milliseconds after which the browser's storage is not waited for any more
const STORAGE_REST = 10_000; // milliseconds for which it is not asked again then, unless it answers late: a person is waiting
const DIED = ["InvalidStateError", "UnknownError", "AbortError"]; // errors after which a fresh connection may work
const STUMBLES = 10; // answers on which the service may fail before a round of sending stops

/** When the service answered the last heartbeat of this page or worker. */
let lastBeat = 0;

/** Whether this page or worker could not store an answer, and has stored nothing since. */
let full = false;

// --- storage ---

/** @type {Promise<IDBDatabase> | undefined} */
let connection;

/** What the storage did not answer in time, as long as it does not. @type {Promise<any> | undefined} */
let unanswered;

/**
 * Wait for something that the browser stores, but not for ever: a sick storage may never answer.
 * @template T
 * @param {Promise<T>} promise
 * @returns {Promise<T>}
 */
function limitWait(promise) {
  let timer;
  const limit = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new DOMException("the storage does not answer", "TimeoutError")), STORAGE_PATIENCE);
  });
  return Promise.race([promise, limit]).finally(() => clearTimeout(timer));
}

/** Return the connection to the database. It is opened once, and again after it ended. @returns {Promise<IDBDatabase>} */
function database() {
  if (!connection) {
    const forgetIt = () => { if (connection === opened) connection = undefined; };
    const opened = openDatabase(forgetIt);
    opened.catch(forgetIt);
    connection = opened;
  }
  return connection;
}

/**
 * Open the database, without a number: a page that is older than the stored version goes on with what is there.
 * @param {() => void} onEnd called when the connection is of no use any more
 * @returns {Promise<IDBDatabase>}
 */
function openDatabase(onEnd) {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open("vidhuk-kiosk");
    request.onupgradeneeded = () => {
      request.result.createObjectStore("answers", { keyPath: "client_id" });
      request.result.createObjectStore("kept");
    };
    request.onsuccess = () => {
      request.result.onversionchange = () => { request.result.close(); onEnd(); };
      request.result.onclose = onEnd;
      resolve(request.result);
    };
    request.onblocked = () => {
      request.onsuccess = () => request.result.close();
      reject(new DOMException("another document holds the database", "UnknownError"));
    };
    request.onerror = () => reject(request.error);
  });
}

/**
 * Run `work` on an object store. When the promise resolves, what was written is on the disk. A connection that died
 * without a word is replaced once.
 * @param {"answers" | "kept"} name
 * @param {IDBTransactionMode} mode
 * @param {(store: IDBObjectStore) => IDBRequest | void} work
 */
async function inStore(name, mode, work) {
  if (unanswered) throw new DOMException("the storage has not answered yet", "TimeoutError");
  const run = async () => runTransaction(await database(), name, mode, work);
  const result = run().catch((error) => {
    if (!DIED.includes(error?.name)) throw error;
    connection = undefined;
    return run();
  });
  return limitWait(result).catch((error) => {
    if (error?.name === "TimeoutError") giveUp(result);
    throw error;
  });
}

/** Use a fresh connection from now on, and ask nothing until the storage answered this or had a rest. */
function giveUp(result) {
  connection?.then((late) => late.close(), () => {});
  connection = undefined;
  const end = () => { if (unanswered === result) unanswered = undefined; };
  unanswered = result;
  result.then(end, end);
  setTimeout(end, STORAGE_REST);
}

function runTransaction(db, name, mode, work) {
  return new Promise((resolve, reject) => {
    const transaction = db.transaction(name, mode, { durability: mode === "readwrite" ? "strict" : "default" });
    const request = work(transaction.objectStore(name));
    transaction.oncomplete = () => resolve(request?.result);
    transaction.onerror = transaction.onabort = () => reject(transaction.error ?? request?.error ?? new DOMException("aborted", "AbortError"));
  });
}

const kept = (name) => inStore("kept", "readonly", (store) => store.get(name));
const keep = (name, value) => inStore("kept", "readwrite", (store) => store.put(value, name));
const forget = (...names) => inStore("kept", "readwrite", (store) => names.map((name) => store.delete(name)).at(-1));

/** All stored answers, sealed: those that wait to be sent, and those that the service refused. */
const held = async () => (await inStore("answers", "readonly", (store) => store.getAll())) ?? [];
const waiting = async () => (await held()).filter((each) => !each.refused);

// --- encryption ---

const bytes = (text) => new TextEncoder().encode(text);

/** Store the key with which answers are sealed. Scripts can use it but cannot read it. */
async function keepKey({ id, key }) {
  const keys = (await kept("keys")) ?? {};
  if (!keys[id]) {
    const raw = Uint8Array.from(atob(key), (letter) => letter.charCodeAt(0));
    keys[id] = await crypto.subtle.importKey("raw", raw, "AES-GCM", false, ["encrypt", "decrypt"]);
    await keep("keys", keys);
  }
  if ((await kept("key")) !== id) await keep("key", id);
}

/** Encrypt a value with AES-GCM: 12 bytes of nonce, then the ciphertext. The name is authenticated with it. */
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

/** Decrypt what was sealed under this name. */
async function unseal(name, { key, sealed }) {
  const how = { name: "AES-GCM", iv: sealed.subarray(0, 12), additionalData: bytes(name) };
  return JSON.parse(new TextDecoder().decode(await crypto.subtle.decrypt(how, (await kept("keys"))[key], sealed.subarray(12))));
}

/** Store a sealed answer until the service has it. Resolves when it is on the disk. Only this centre's tablet sends it. */
async function hold({ id: device, centre }, { client_id, ...said }) {
  const sealed = await seal(client_id, said);
  const skew = (await kept("skew")) ?? 0;
  const at = Date.parse(said.answered_at);
  await inStore("answers", "readwrite", (store) => store.put({ client_id, device, centre, at, skew, ...sealed }));
}

/** Decrypt an answer for sending, with its time corrected by what is now known about the tablet's clock. */
async function told(item, skew) {
  const answered_at = new Date(item.at - (item.skew - skew) * 1000).toISOString();
  return { client_id: item.client_id, ...(await unseal(item.client_id, item)), answered_at };
}

// --- network ---

/**
 * Call the API. Returns `null` when it cannot be reached in time, and when the answer is not JSON: then it comes from
 * something else, such as a network that wants a sign-in or a proxy.
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

/** Report the tablet's state and store how far its clock runs ahead. Returns the status, 0 without a network. */
async function beat(version) {
  const latest = await latestTime();
  const room = await keep("latest", latest).then(() => !full, () => false);
  const waits = await waiting().catch(() => []);
  const oldest = waits.length ? new Date(Math.min(...waits.map((each) => each.at))).toISOString() : null;
  const persisted = (await limitWait(navigator.storage?.persisted?.()).catch(() => null)) ?? null;
  const battery = (await limitWait(navigator.getBattery?.()).catch(() => null))?.level ?? null;
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
 * The latest time that the tablet's clock has shown. A clock that restarts after a power failure shows an earlier time
 * than before; then it is only known that the true time is later than the stored one.
 */
async function latestTime() {
  return Math.max(Date.now(), (await kept("latest").catch(() => 0)) ?? 0);
}

/**
 * Send the answers that wait. None is deleted before the service said what it did with it. Page and worker never send
 * at the same time; a `patient` caller waits for the other.
 * @returns {Promise<{left: number, status: number, wait?: number}>} how many still wait, the last status (0: no
 *   network), and the seconds to wait if the service asked for that
 */
async function send(version, { patient = false } = {}) {
  const busy = { left: 1, status: -1 };
  return navigator.locks.request("kiosk-send", { ifAvailable: !patient }, async (lock) => (lock ? sendAll(version) : busy));
}

async function sendAll(version) {
  const centre = (await kept("config"))?.device.centre;
  const failed = new Set(); // answers on which the service fails: the others go on, these are tried again in the next round
  const mine = async () => (await waiting()).filter((each) => each.centre === centre && !failed.has(each.client_id));
  let queue = await mine();
  if (queue.length && Date.now() - lastBeat > 60_000) await beat(version);
  let size = BATCH;
  for (; queue.length; queue = await mine()) {
    const batch = await readable(queue.slice(0, size));
    if (!batch.size) continue;
    const reply = await ask("responses", { responses: [...batch.values()] });
    const status = reply?.status ?? 0;
    const stopped = { left: queue.length + failed.size, status, wait: requestedWait(reply) };
    if (reply?.ok) {
      if (!(await settle(batch.keys(), reply.said.results ?? []))) return { ...stopped, status: 0 };
    } else if (OF_THE_CALL.includes(status) || status === 500) {
      const [alone] = batch.size === 1 ? batch.keys() : [];
      const judged = status !== 500 && reply.headers.get("Content-Type")?.startsWith("application/problem+json");
      if (alone && judged) await refuse(alone, String(status));
      else if (alone) failed.add(alone.client_id);
      if (failed.size > STUMBLES) return stopped;
      size = 1; // probably one answer is at fault: send them one by one to find it
    } else {
      return stopped;
    }
  }
  return { left: failed.size, status: 200 };
}

/** The seconds for which the service asks to wait: it gives a number or a date. */
function requestedWait(reply) {
  const value = reply?.headers.get("Retry-After");
  if (!value) return undefined;
  const seconds = Number.isNaN(Number(value)) ? (Date.parse(value) - (Date.parse(reply.headers.get("Date")) || Date.now())) / 1000 : Number(value);
  return Number.isNaN(seconds) ? undefined : seconds;
}

/** Decrypt items for sending. One that cannot be decrypted is marked as refused, for the staff. */
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

/** Mark an item that will never be sent; the staff can still save it. */
const refuse = (item, why) => inStore("answers", "readwrite", (store) => store.put({ ...item, refused: why }));

/** Delete the items that the service has, mark those that it refused. Returns how many it reported on. */
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
