// The tablet's page. Every person gets a fresh document, and nothing of it remains for the next one.
"use strict";

const VERSION = document.documentElement.dataset.version;
const HALL_POLL = 300; // seconds between two requests for the configuration in a hall, where no case is expected
const RETRY = { first: 2, most: 300 }; // seconds until sending is tried again after a failure
const SEND_EVERY = 30; // seconds between two attempts to send when nothing failed
const AGAIN = 30; // seconds until the worker is installed again after a failure
const RESCUE_EVERY = 5; // seconds between two attempts to go on after storing failed
const UPDATE_EVERY = 3600; // seconds between two checks for a new version
const MOMENT = 200; // milliseconds for which a choice is shown before the next question
const TIDY = 120_000; // milliseconds for which the pace of the last answers is stored
const OFFERED = 180_000; // milliseconds for which a case is offered at most, even if the clock is wrong

/** Everything about the present person. It disappears with the document. */
const state = {
  screen: "", language: "uk", larger: false, contrast: false, focuses: false,
  texts: JSON.parse(document.body.dataset.texts), languages: JSON.parse(document.body.dataset.languages),
  config: null, case: null, code: false, answers: {}, place: 0, began: 0, client: crypto.randomUUID(), saving: false,
  typed: "", trouble: null, looking: false, up: false, unpaired: false, lost: "", unstored: null, asking: null, offline: false, held: 0,
};

/** Load a fresh document for the next person. */
function reset() {
  location.replace("/kiosk");
}

// --- answering ---

/**
 * Store the answer to a question of one tap, show it at once, and go to the next question after a moment. So the second
 * tap of a double tap hits the same question and not the next one.
 */
function choose(question, value) {
  begin();
  state.answers[question.id] = value;
  for (const each of document.getElementsByName(question.id)) each.setAttribute("aria-pressed", String(each.value === String(value)));
  clearTimeout(state.turns);
  state.turns = setTimeout(state.place === questions().length - 1 ? redraw : next, MOMENT);
}

/** Add or remove a value of a question with several answers. A value that stands alone removes the others. */
function toggle(question, value) {
  begin();
  const chosen = new Set(state.answers[question.id] ?? []);
  const alone = new Set(question.stands_alone);
  if (chosen.has(value)) chosen.delete(value);
  else {
    if (alone.has(value)) chosen.clear();
    else for (const other of alone) chosen.delete(other);
    chosen.add(value);
  }
  if (chosen.size) state.answers[question.id] = question.options.map((each) => each.value).filter((each) => chosen.has(each));
  else delete state.answers[question.id];
  state.keepsPlace = true;
  redraw();
}

function begin() {
  state.began ||= performance.now();
}

function next() {
  clearTimeout(state.turns);
  state.place = Math.min(state.place + 1, questions().length - 1);
  redraw();
}

function back() {
  clearTimeout(state.turns);
  if (state.place === 0) return reset();
  state.place -= 1;
  redraw();
}

/** Store the finished answer and thank the person once it is on the disk; sending it can wait. */
async function finish() {
  if (state.saving) return;
  state.saving = true;
  clearTimeout(state.turns);
  const asked = new Set(questions().map((question) => question.id));
  const answer = {
    client_id: state.client,
    questionnaire: questionnaire().version,
    language: state.language,
    answers: Object.fromEntries(Object.entries(state.answers).filter(([id]) => asked.has(id))),
    answered_at: new Date(await latestTime()).toISOString(),
    short_code: state.case?.short_code ?? null,
  };
  const pace = await paceOf(answer.answers).catch(() => null);
  if (pace) answer.pace = pace;
  try {
    await hold(state.config.device, answer);
  } catch {
    await withoutDisk(answer);
    return;
  }
  thank();
  relieve();
  navigator.serviceWorker?.ready.then((worker) => worker.sync?.register("kiosk-send")).catch(() => {});
}

function thank() {
  go("thanks");
  setTimeout(reset, state.config.settings.thanks_seconds * 1000);
}

/** Send an answer at once that could not be stored. If that fails, say so, show the QR code for a phone, and keep trying. */
async function withoutDisk(answer) {
  noRoom();
  const { sent, reply } = await sendAlone(answer);
  if (sent) return thank();
  state.unstored = answer;
  state.lost = reply || !navigator.onLine ? "not_kept" : "not_sure"; // the service may have accepted it although its reply was lost
  go("help");
}

async function sendAlone(answer) {
  const reply = await ask("responses", { responses: [answer] });
  const [result] = (reply?.ok && reply.said.results) || [];
  return { sent: Boolean(result) && result.status !== "rejected", reply };
}

/** Send or store the answer that could not be stored before. Once that is done, the tablet goes on. */
async function rescue() {
  if (!state.unstored) return;
  const { sent } = await sendAlone(state.unstored);
  const safe = sent || (await hold(state.config.device, state.unstored).then(() => true, () => false));
  if (!safe || !state.unstored) return;
  state.unstored = null;
  if (sent) thank();
  else reset();
}

/** Try to go on after storing failed. */
async function recover() {
  if (state.unstored) await rescue();
  else if (full && state.screen === "help" && (await canKeep())) reset();
}

/** Remember that storing failed. The next document tests the storage before it asks anything. */
function noRoom() {
  full = true;
  try { sessionStorage.setItem("trouble", "storage"); } catch { /* then this document alone knows it */ }
}

/** Measure how fast answers are given, to find answers that are not from visitors. It is sealed and soon deleted. */
async function paceOf(answers) {
  const now = Date.now();
  const digest = btoa(String.fromCharCode(...new Uint8Array(await crypto.subtle.digest("SHA-256", bytes(JSON.stringify(answers))))));
  const before = await kept("pace").then((sealed) => sealed && unseal("pace", sealed)) ?? { times: [], alike: 0, digest: "" };
  const lately = before.times.filter((time) => time > now - TIDY && time <= now);
  const alike = before.digest === digest && lately.length ? before.alike + 1 : 0;
  await keep("pace", await seal("pace", { times: [...lately, now], alike, digest }));
  return { seconds: Math.round((performance.now() - state.began) / 1000), recent: lately.filter((time) => time > now - 60_000).length, alike };
}

// --- a code from a slip ---

function type(key) {
  if (key === "Backspace") state.typed = state.typed.slice(0, -1);
  else if (state.typed.length < CODE_LENGTH) state.typed += key;
  state.trouble = null;
  state.keepsPlace = true;
  redraw();
}

/** Look up the case of a typed code. Without a network any code is accepted; the service checks it later. */
async function lookUp() {
  if (state.looking) return;
  state.looking = true;
  redraw();
  const short_code = `${state.typed.slice(0, 4)}-${state.typed.slice(4)}`;
  const reply = await ask("codes", { short_code });
  state.looking = false;
  if (state.screen !== "code") return; // the person went on without the code meanwhile
  const refused = { 404: "code_wrong", 409: "code_spent", 410: "code_closed", 429: "code_wait" }[reply?.status];
  if (refused) {
    state.trouble = refused;
    if (reply.status === 404) state.typed = "";
    redraw();
    return;
  }
  const found = reply?.ok ? reply.said : { short_code, service: null, front_office: "offline" };
  state.case = { ...found, offered: false };
  state.code = true;
  state.place = 0;
  go("question");
}

function walkUp() {
  state.code = true;
  go("question");
}

// --- between people ---

/** Repeat an action about every so many seconds, even after it failed. */
function every(seconds, what) {
  const once = async () => { try { await what(); } catch { /* it is tried again the next time */ } every(seconds, what); };
  setTimeout(once, seconds * 1000 * (0.9 + Math.random() / 5));
}

const isIdle = () => !state.unstored && (["pairing", "help", "desk"].includes(state.screen) || (state.screen === "question" && !Object.keys(state.answers).length && !state.code));

/** Show the screen that waits for the next person. */
function idle() {
  const desk = state.config.device.mode === "desk";
  go(desk && !state.case ? "desk" : "question");
}

/** Read the configuration: the questionnaires when they changed, and the case just completed at this window. */
async function look() {
  const reply = await ask("config", undefined, state.tag ? { "If-None-Match": state.tag } : {});
  state.up = reply !== null;
  state.unpaired = reply?.status === 401;
  if (state.unpaired) return leave();
  if (!reply?.ok || !reply.said.device) return;
  const { queue_key, pending, ...config } = reply.said;
  const changed = JSON.stringify(config) !== JSON.stringify(state.config);
  try {
    await keepKey(queue_key);
    if (changed) await keep("config", config);
  } catch {
    noRoom();
  }
  if (!state.config) return take(config); // the case is read again, once there is a screen to show it on
  if (!isIdle()) return; // a person who is answering keeps the questionnaire they began with
  if (changed) take(config);
  const offered = pending && !(await isHeld(pending.short_code)) ? { ...pending, offered: true } : null;
  state.tag = reply.headers.get("ETag"); // only after all of it was used, because storing may have failed before
  if (!isIdle() || (!changed && offered?.short_code === state.case?.short_code)) return;
  state.case = offered;
  clearTimeout(state.withdraws);
  if (offered) state.withdraws = setTimeout(withdraw, Math.min(Date.parse(offered.expires_at) + ((await kept("skew")) ?? 0) * 1000 - Date.now(), OFFERED));
  if (isIdle() && !["help", "pairing"].includes(state.screen)) idle();
}

function withdraw() {
  if (isIdle() && state.case?.offered) { state.case = null; idle(); }
}

/** Whether an answer about this case waits here to be sent. */
async function isHeld(short_code) {
  const said = await Promise.all((await waiting()).map((item) => unseal(item.client_id, item).catch(() => null)));
  return said.some((each) => each?.short_code === short_code);
}

function take(config) {
  state.config = config;
  state.texts = config.texts;
  state.languages = config.languages;
}

/** Send the answers that wait. After a failure try again, each time later, up to a limit. */
async function relieve() {
  clearTimeout(relieve.again);
  const { left, status, wait } = await send(VERSION).catch(() => ({ left: 1, status: 0 }));
  if (status > 0) state.up = true;
  if (status === 0) state.up = false;
  if (status === 401) return leave();
  relieve.pause = left && status >= 0 ? Math.min((relieve.pause ?? RETRY.first / 2) * 2, RETRY.most) : undefined;
  const usual = (relieve.pause ?? SEND_EVERY) * (0.75 + Math.random() / 2);
  const seconds = wait === undefined ? usual : Math.max(wait, 1) * (1 + Math.random() / 4); // never earlier than the service asked
  clearTimeout(relieve.again); // a call that ran meanwhile has set one too; only one may remain
  relieve.again = setTimeout(relieve, Math.min(seconds, RETRY.most) * 1000);
}

async function heartbeat() {
  const status = await beat(VERSION).catch(() => 0);
  state.up = status > 0;
  if (status === 401) leave();
}

/** Handle a revoked key: deliver the answers that wait, which is still allowed, then forget the centre. */
async function leave() {
  if (!state.config || leave.going) return;
  leave.going = true;
  const { left, status } = await send(VERSION, { patient: true }).catch(() => ({ left: 1, status: 0 }));
  if (left && status !== 401) { leave.going = false; return; } // no network: tried again with the next heartbeat
  await ask("responses", { responses: [] });
  await forget("config", "skew", "latest", "pace").catch(() => {});
  if (isIdle()) reset();
}

/**
 * Install the worker, which keeps the shell for times without a network. If an installation fails, for instance because
 * something else answered in place of the service, it is tried again. A new version is activated while nobody is
 * answering.
 */
async function keepShell() {
  const workers = navigator.serviceWorker;
  let had = workers.controller;
  let failed = false;
  workers.addEventListener("controllerchange", () => { if (had && isIdle()) reset(); had = true; });
  workers.ready.then(({ active }) => { if (!workers.controller) active.postMessage("claim"); });
  let registration;
  const follow = () => {
    const worker = registration.installing;
    worker?.addEventListener("statechange", () => { if (worker.state === "redundant") failed = true; });
  };
  const install = async () => {
    registration = await workers.register("/kiosk/worker.js", { scope: "/kiosk" });
    registration.addEventListener("updatefound", follow);
    follow();
  };
  const update = async () => {
    failed = false;
    await registration.update().catch(() => { failed = true; });
  };
  await install().catch(() => {});
  const settle = () => { if (registration?.waiting && isIdle()) registration.waiting.postMessage("activate"); };
  const isThere = () => registration && (registration.installing ?? registration.waiting ?? registration.active);
  every(5, settle);
  every(AGAIN, async () => { if (!isThere()) await install(); else if (failed) await update(); });
  every(UPDATE_EVERY, async () => { if (isIdle()) await update(); });
}

// --- a person who walks away ---

const moment = () => ({ ran: performance.now(), told: Date.now() });

/** Seconds since a moment, by two clocks: one may be set back, the other may stop while the device sleeps. */
const since = ({ ran, told }) => Math.max(performance.now() - ran, Date.now() - told) / 1000;

const watch = { at: moment(), warned: moment() };

function alive() {
  watch.at = moment();
}

/** Ask whether the person is still there after a while without a tap. Without an answer load a fresh document. */
function look_around() {
  const { idle_seconds, warning_seconds } = state.config?.settings ?? { idle_seconds: 45, warning_seconds: 20 };
  const dialog = document.querySelector("#still");
  if (dialog.open) {
    const left = warning_seconds - since(watch.warned);
    dialog.querySelector("progress").value = left;
    if (left <= 0) reset();
    return;
  }
  if (since(watch.at) < idle_seconds || ["thanks", "pairing", "help"].includes(state.screen)) return;
  if (isIdle()) {
    if (state.larger || state.contrast || state.language !== "uk") reset();
  } else {
    watch.warned = moment();
    dialog.replaceChildren(
      h("h2", { id: "still-title" }, say("still_here")), h("p", {}, say("still_here_more")),
      h("progress", { max: warning_seconds, value: warning_seconds, "aria-hidden": "true" }),
      button({ class: "wide", autofocus: true, onclick: () => dialog.close() }, say("yes")));
    dialog.lang = state.language;
    dialog.showModal();
  }
}

// --- pairing ---

async function askToPair() {
  const reply = await ask("pairing", {});
  state.offline = reply === null || reply.status >= 500;
  state.asking = reply?.ok ? reply.said : null;
  state.held = (await waiting().catch(() => [])).length;
  redraw();
}

/** Try to pair with a code: a typed one, or the shown one that somebody may have approved. */
async function pair(pairing_code, quietly = false) {
  const reply = await ask("pair", { pairing_code }, { "Accept-Language": state.language });
  if (reply?.ok) {
    await limitWait(navigator.storage?.persist?.()).catch(() => false);
    return reset();
  }
  if (quietly) return;
  const refusal = reply?.said;
  state.trouble = refusal ? (refusal.errors?.[0].detail ?? refusal.detail) : say("pair_offline");
  await askToPair();
  redraw();
}

async function pairing() {
  go("pairing");
  const [, brought] = location.hash.split("#pair=");
  if (brought) await pair(brought, true);
  await askToPair();
  setInterval(async () => {
    const expired = state.asking && Date.parse(state.asking.expires_at) < Date.now();
    if (!state.asking || expired) await askToPair();
    else await pair(state.asking.device_code, true);
  }, 5_000);
}

// --- a file for the staff ---

/** Save the stored answers to a file, still sealed. Only the service can open them. */
async function saveFile() {
  const all = await held();
  const items = all.map(({ client_id, device, sealed }) => ({ client_id, device, sealed: btoa(String.fromCharCode(...sealed)) }));
  const { id: device, centre } = state.config?.device ?? { id: all[0].device, centre: all[0].centre };
  const file = new Blob([JSON.stringify({ vidhuk: "tablet-queue", device, items })], { type: "application/json" });
  const link = h("a", { href: URL.createObjectURL(file), download: `vidhuk-${centre}-${Date.now()}.json` });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

// --- start ---

/** Whether storing works: nothing failed so far, or a test after the failure succeeded. */
async function canKeep() {
  try {
    if (!full && !sessionStorage.getItem("trouble")) return true;
    await keep("room", new Uint8Array(100_000));
    await forget("room");
    sessionStorage.removeItem("trouble");
    full = false;
    return true;
  } catch {
    full = true;
    return false;
  }
}

/** Ask that the screen stays on. The browser ends that whenever the page is hidden. */
function stayAwake() {
  if (document.visibilityState === "visible") navigator.wakeLock?.request("screen").catch(() => {});
}

async function start() {
  for (const kind of ["pointerdown", "keydown"]) document.addEventListener(kind, alive, { capture: true, passive: true });
  document.addEventListener("keydown", ({ key, ctrlKey, altKey, metaKey }) => {
    if (state.screen !== "code" || ctrlKey || altKey || metaKey) return;
    const letter = LOOK_ALIKES[key.toUpperCase()] ?? key.toUpperCase();
    if (key === "Backspace" || KEYS.includes(letter)) type(key === "Backspace" ? key : letter);
  });
  // Browsers keep documents for the back button; this one is emptied, so that nothing of it can be shown again.
  addEventListener("pagehide", () => document.body.replaceChildren());
  addEventListener("pageshow", (event) => { if (event.persisted) reset(); });
  setInterval(look_around, 1_000);
  if (navigator.serviceWorker) keepShell();

  every(RESCUE_EVERY, recover);
  document.addEventListener("visibilitychange", stayAwake);
  stayAwake();

  const config = await kept("config").catch(noRoom);
  if (config) take(config);
  else {
    if (full) go("help"); // the storage does not answer: there is nothing else to show before the service does
    await look().catch(() => {});
  }
  if (!state.config) {
    const retry = setInterval(async () => { await look().catch(() => {}); if (state.config) { clearInterval(retry); reset(); } }, 10_000);
    return full && !state.unpaired ? undefined : pairing();
  }
  if (await canKeep()) idle();
  else go("help");

  addEventListener("online", () => { rescue(); relieve(); look().catch(() => {}); });
  const { poll_seconds, heartbeat_seconds } = state.config.settings;
  every(state.config.device.mode === "desk" ? poll_seconds : HALL_POLL, look);
  every(heartbeat_seconds, heartbeat);
  for (const first of [look, heartbeat, relieve]) await first().catch(() => {});
  setTimeout(() => { if (isIdle()) forget("pace").catch(() => {}); }, TIDY);
}

start();
