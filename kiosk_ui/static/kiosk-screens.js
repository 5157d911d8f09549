// The screens of the tablet. Each is drawn from `state`; the document holds nothing else.
"use strict";

const FACES = { great: "great", excellent: "great", good: "good", acceptable: "fair", ok: "fair", bad: "bad", awful: "awful" };
const KEYS = [..."0123456789ABCDEFGHJKMNPQRSTVWXYZ"]; // without I, L, O, U, which people confuse with other characters
const LOOK_ALIKES = { I: "1", L: "1", O: "0", І: "1", О: "0", А: "A", В: "B", Е: "E", К: "K", М: "M", Н: "H", Р: "P", С: "C", Т: "T", У: "Y", Х: "X" };
const CODE_LENGTH = 8;

/** Make an element. A function becomes an event listener; an attribute that is false or null is left out. */
function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name.slice(2), value);
    else if (value !== false && value != null) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child != null && child !== false));
  return element;
}

/** Make an element from SVG text that the service sent. */
function picture(svg, className) {
  const drawn = document.importNode(new DOMParser().parseFromString(svg, "image/svg+xml").documentElement, true);
  return h("div", { class: className }, drawn);
}

function face(value) {
  if (!(value in FACES)) return null;
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `#face-${FACES[value]}`);
  svg.setAttribute("aria-hidden", "true");
  svg.append(use);
  return svg;
}

/** Return a text in the chosen language with its placeholders filled. */
function say(name, blanks = {}) {
  const sentence = state.texts[state.language]?.[name] ?? state.texts.uk[name];
  return sentence.replace(/%\((\w+)\)[sd]/g, (_, blank) => blanks[blank]);
}

/** Make a button that ignores the second tap of a double tap, which was meant for the screen before. */
function button(attributes, ...children) {
  const { onclick, ...rest } = attributes;
  const once = (event) => { if (event.detail < 2) onclick(event); };
  return h("button", { type: "button", ...rest, onclick: once }, ...children);
}

// --- the layout of a screen ---

/** Draw a screen: the question at the top, the buttons below. */
function draw({ about = [], title, hint, answers = [], steps = [], progress = null, bar = looks() }) {
  const heading = h("h1", { id: "heading", tabindex: -1 }, title);
  const screen = [
    h("main", {},
      h("div", { class: "ask" },
        h("div", { class: "about" }, ...about.map((line) => h("p", {}, line))),
        progress && h("div", { class: "progress" },
          h("progress", { max: progress.total, value: progress.number, "aria-hidden": "true" }),
          h("p", {}, say("progress", progress))),
        heading,
        hint && h("p", { class: "hint", role: hint.alert ? "alert" : null }, hint.text ?? hint)),
      h("div", { class: "answers" }, ...answers)),
    h("footer", { class: "foot" },
      steps.some(Boolean) && h("div", { class: "steps" }, ...steps),
      h("div", { class: "bar", role: "group", "aria-label": say("settings") }, ...bar)),
  ];
  document.documentElement.lang = state.language;
  document.documentElement.toggleAttribute("data-larger", state.larger);
  document.title = title;
  document.querySelector("#screen").replaceChildren(...screen);
  if (state.focuses) heading.focus({ preventScroll: true });
  state.focuses = true;
}

/** Make the bar of every screen: text size, contrast, language, starting again. */
function looks(...more) {
  const again = () => { redraw(); };
  return [
    button({ "aria-pressed": String(state.larger), onclick: () => { state.larger = !state.larger; again(); } }, "А+", h("span", { class: "unseen" }, ` ${say("larger")}`)),
    button({ "aria-pressed": String(state.contrast), onclick: () => { state.contrast = !state.contrast; moreContrast(state.contrast); again(); } }, say("contrast")),
    ...Object.entries(state.languages).filter(([code]) => code !== state.language)
      .map(([code, name]) => button({ lang: code, onclick: () => { state.language = code; again(); } }, name)),
    ...(more.length ? more : [button({ class: "away", onclick: reset }, say("start_again"))]),
  ];
}

/** Put buttons into a group that is named by the heading, so that a screen reader tells what they answer. */
const group = (className, ...buttons) => h("div", { class: className, role: "group", "aria-labelledby": "heading" }, ...buttons);

/** Use the colours of high contrast whatever the device prefers. The style sheet has them behind a media query. */
function moreContrast(on) {
  const [prefers, always] = ["(prefers-contrast: more)", "(min-width: 0px)"];
  for (const sheet of document.styleSheets) {
    for (const rule of sheet.cssRules) {
      if (rule instanceof CSSMediaRule) rule.media.mediaText = on ? rule.media.mediaText.replace(prefers, always) : rule.media.mediaText.replace(always, prefers);
    }
  }
}

// --- the screens ---

/** Return the questions for this person. The one about reasons follows only a poor answer. */
function questions() {
  const { questions, poor_values } = questionnaire();
  const poor = Object.values(state.answers).some((value) => poor_values.includes(String(value)));
  return questions.filter((question) => !question.follow_up || poor);
}

function questionnaire() {
  const { questionnaires, translations } = state.config;
  return (translations[state.language] ?? questionnaires)[state.case?.front_office ?? "offline"];
}

/** Draw one question. The first one is also the idle screen: answering it begins the survey. */
function drawQuestion() {
  const asked = questions();
  const question = asked[state.place];
  const first = state.place === 0;
  const last = state.place === asked.length - 1;
  const begun = Object.keys(state.answers).length > 0;
  const chosen = state.answers[question.id];
  const many = question.kind === "choices";
  const idle = first && !begun && !state.case;
  draw({
    about: [h("b", {}, state.config.questionnaires.offline.centre.name), state.case ? whoseCase() : say("rate_hall")],
    title: question.text,
    hint: first ? say("anonymous") : null,
    progress: idle ? null : { number: state.place + 1, total: asked.length },
    answers: [
      idle && button({ class: "wide", onclick: () => go("code") }, say("have_code")),
      ...({ scale_0_10: scale, words: faces, choices: chips })[question.kind](question, chosen),
    ].filter(Boolean),
    steps: idle ? [] : [
      (!first || state.code) && button({ class: "plain", onclick: back }, say("back")),
      !last && (!first || begun) && button({ class: "plain", onclick: next }, many && chosen?.length ? say("next") : chosen === undefined || many ? say("skip") : say("next")),
      begun && button({ name: "finish", value: "1", onclick: finish }, say("finish")),
    ],
    bar: idle ? looks(staffButton()) : looks(),
  });
}

function whoseCase() {
  const known = state.case.service;
  const what = state.case.offered ? say("your_case") : say("by_code");
  return known ? `${what}: ${known}` : what;
}

function scale(question, chosen) {
  const ends = { 0: question.low, 10: question.high };
  const points = Array.from({ length: 11 }, (_, point) => h("button",
    { type: "button", name: question.id, value: point, "aria-pressed": String(chosen === point), onclick: () => choose(question, point) },
    String(point), ends[point] && h("span", { class: "unseen" }, ` ${ends[point]}`)));
  return [
    group("scale", ...points),
    h("p", { class: "ends", "aria-hidden": "true" }, h("span", {}, h("b", {}, "0"), ` ${question.low}`), h("span", {}, h("b", {}, "10"), ` ${question.high}`)),
  ];
}

function faces(question, chosen) {
  const all = question.options.map(({ value, text }) => h("button",
    { type: "button", class: "face", name: question.id, value, "aria-pressed": String(chosen === value), onclick: () => choose(question, value) },
    face(value) ?? "", h("span", {}, text)));
  return [group(`faces of-${all.length}`, ...all)];
}

function chips(question, chosen = []) {
  const all = question.options.map(({ value, text }) => {
    const chip = h("button", { type: "button", class: "chip", name: question.id, value, "aria-pressed": String(chosen.includes(value)) }, h("span", {}, text));
    chip.addEventListener("click", () => toggle(question, value));
    return chip;
  });
  return [group("chips", ...all)];
}

/** Draw the screen of a window's tablet between two cases. */
function drawDesk() {
  draw({
    about: [h("b", {}, state.config.questionnaires.offline.centre.name)],
    title: say("desk_waits"),
    hint: say("anonymous"),
    answers: [h("div", { class: "greeting", "aria-hidden": "true" }, face("good")), button({ class: "wide", onclick: () => go("code") }, say("have_code"))],
    bar: looks(staffButton()),
  });
}

function drawCode() {
  const typed = state.typed.padEnd(CODE_LENGTH, "·");
  const whole = state.typed.length === CODE_LENGTH;
  const keys = KEYS.map((key) => h("button", { type: "button", class: "key", onclick: () => type(key) }, key));
  draw({
    about: [h("b", {}, state.config.questionnaires.offline.centre.name), say("code_hint", { prefix: `${state.config.settings.code_prefix}-` })],
    title: say("enter_code"),
    hint: state.trouble && { text: say(state.trouble), alert: true },
    answers: [
      h("output", { class: "typed", "aria-live": "polite" }, `${typed.slice(0, 4)} – ${typed.slice(4)}`),
      group("keys", ...keys, h("button", { type: "button", class: "key erase", "aria-label": say("delete"), onclick: () => type("Backspace") }, "⌫")),
    ],
    steps: [
      button({ class: "plain", onclick: walkUp }, say("no_slip")),
      button({ disabled: !whole || state.looking, onclick: lookUp }, say("go_on")),
    ],
  });
}

function drawThanks() {
  const tick = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  tick.setAttribute("viewBox", "0 0 48 48");
  tick.setAttribute("class", "tick");
  tick.setAttribute("aria-hidden", "true");
  path.setAttribute("d", "M10 25l10 10 18-21");
  tick.append(path);
  draw({ title: say("thanks"), hint: { text: say("thanks_more"), alert: true }, answers: [tick, button({ class: "wide", onclick: reset }, say("done"))], bar: looks(h("span", {})) });
}

/** Draw the screen of a tablet that cannot store answers. It offers the QR code for a phone if it knows its centre. */
function drawHelp() {
  const { hall_qr, hall_url } = state.config?.settings ?? { hall_url: location.origin };
  draw({
    about: state.lost ? [h("b", {}, say(state.lost))] : [],
    title: say("help"),
    hint: { text: say("help_more"), alert: true },
    answers: [hall_qr && picture(hall_qr, "qr"), h("p", { class: "address" }, hall_url)],
    bar: looks(state.config ? staffButton() : h("span", {})),
  });
}

function drawPairing() {
  const { asking } = state;
  const before = document.querySelector("#pairing_code");
  const field = before ?? h("input", { id: "pairing_code", name: "pairing_code", autocomplete: "off", autocapitalize: "characters", spellcheck: "false", inputmode: "text", "aria-describedby": "trouble" });
  field.setAttribute("aria-invalid", String(Boolean(state.trouble)));
  const focused = state.trouble || document.activeElement === field || !before;
  const form = h("form", { class: "pairing", onsubmit: (event) => { event.preventDefault(); pair(field.value); } },
    h("label", { for: "pairing_code" }, say("pair_by_code")),
    h("p", { class: "error", id: "trouble", role: "alert" }, state.trouble ?? ""),
    field, h("button", {}, say("pair_button")));
  const shown = asking && h("section", { class: "asking", "aria-labelledby": "shown" },
    h("p", { id: "shown" }, say("pair_shown")), picture(asking.qr, "qr"), h("output", {}, asking.user_code), h("p", { class: "address" }, asking.verification_uri));
  draw({ about: [state.held ? say("held", { count: state.held }) : ""].filter(Boolean), title: say("pair"), hint: state.offline ? { text: say("pair_offline"), alert: true } : null, answers: [form, shown].filter(Boolean), steps: [state.held > 0 && button({ class: "plain", onclick: saveFile }, say("save"))], bar: looks(h("span", {})) });
  if (focused) field.focus();
}

const staffButton = () => button({ class: "away quiet", onclick: () => go("staff") }, say("staff"));

async function drawStaff() {
  const all = await held().catch(() => []);
  const waits = all.filter((each) => !each.refused);
  const persisted = await limitWait(navigator.storage?.persist?.()).catch(() => false); // asked again, because browsers agree once the page is installed as an app
  const time = new Intl.DateTimeFormat(state.language, { dateStyle: "medium", timeStyle: "short" });
  const oldest = waits.length ? time.format(Math.min(...waits.map((each) => each.at))) : "—";
  const facts = {
    staff_tablet: state.config.device.name,
    staff_line: say(state.up ? "staff_line_up" : "staff_line_down"),
    staff_waiting: waits.length,
    staff_oldest: oldest,
    staff_refused: all.length - waits.length,
    staff_storage: say(persisted ? "staff_persisted" : "staff_not_persisted"),
    staff_version: VERSION,
  };
  if (state.screen !== "staff") return;
  draw({
    about: [h("b", {}, state.config.questionnaires.offline.centre.name)],
    title: say("staff"),
    answers: [h("dl", {}, ...Object.entries(facts).map(([name, fact]) => h("div", {}, h("dt", {}, say(name)), h("dd", {}, String(fact)))))],
    steps: [
      all.length > 0 && button({ class: "plain", onclick: saveFile }, say("save")),
      waits.length > 0 && button({ class: "plain", onclick: () => relieve().then(redraw) }, say("send_now")),
      button({ onclick: () => { if (state.unstored) go("help"); else reset(); } }, say("close")),
    ],
    bar: looks(h("span", {})),
  });
}

const SCREENS = { question: drawQuestion, desk: drawDesk, code: drawCode, thanks: drawThanks, help: drawHelp, pairing: drawPairing, staff: drawStaff };

/** Show another screen. */
function go(screen) {
  state.screen = screen;
  state.trouble = null;
  redraw();
}

/** Draw the present screen again and put the focus back on the button that had it. */
function redraw() {
  const spot = [...document.querySelectorAll("#screen button")].indexOf(document.activeElement);
  const was = document.activeElement?.textContent;
  SCREENS[state.screen]();
  const same = document.querySelectorAll("#screen button")[spot];
  const typing = document.activeElement?.matches("input");
  if (spot >= 0 && same && !typing && (same.textContent === was || state.keepsPlace)) same.focus({ preventScroll: true });
  state.keepsPlace = false;
}
