// The compare page: one item of the queue at a time, decided by keyboard.

import { choose, help, isOpen, write } from "./dialogs.js";
import { Tools } from "./draw.js";
import { Film } from "./film.js";
import { drawFurniture, drawLegend, legendLines } from "./furniture.js";
import { get, role } from "./http.js";
import { KEYS, actionOf } from "./keys.js";
import { Line } from "./line.js";
import { Look } from "./look.js";
import { newKey, pending, send } from "./outbox.js";
import "./saved.js";
import { MODES, Viewer } from "./viewer.js";

const REASONS = ["cloud", "shadow", "misregistration", "tide_or_waves", "seasonal", "known_object", "bad_imagery", "not_of_interest"];
const SCALES = ["change", "tile", "scene"];
const SETTLED_MS = 300; // a slider has come to rest
const MAY_DECIDE = role !== "read-only";
const $ = (selector) => document.querySelector(selector);
const words = (name) => name.replaceAll("_", " ");

const viewer = new Viewer({ maps: $(".maps"), left: $("#left"), right: $("#right"), handle: $(".handle") }, () => show());
const tools = new Tools(viewer, say);
const line = new Line((entry) => viewer.addresses(entry.run, area(entry)));
const film = new Film(viewer, line, $(".film .frames"));
const look = new Look(viewer, $("#contrast"), $('[data-action="contrast"]'), brief);
const given = standing(pending()); // own answers of this visit, for undo: {key, subject}
let item = null;
let drawn = { run: null, outlines: [] };
let scale = "change";
let advance = localStorage.getItem("sitewatch-advance") !== "no";

/** Show an item of the queue. */
function open(entry, { push = true } = {}) {
  tools.leave();
  item = entry.item;
  if (viewer.open(entry.run)) look.reset();
  film.leave();
  viewer.setCurrent(item.change, item.subject);
  showDrawn();
  fit();
  $(".facts").innerHTML = item.facts_html; // made by the desk's own templates, which escape every value
  $(".facts").scrollTop = 0;
  $("#given").textContent = item.given;
  $("#left-count").textContent = line.words();
  $("#crumb").textContent = item.title;
  document.title = `${item.title} · sitewatch`;
  for (const name of ["confirm", "reject", "unsure"]) $(`[data-action="${name}"]`).disabled = !MAY_DECIDE || !item.decidable;
  for (const [name, label] of [["confirm", item.is_tile ? "Nothing missed" : "Confirmed"], ["reject", "Rejected"]]) {
    $(`[data-action="${name}"] span`).textContent = label;
  }
  for (const name of ["reject", "unsure", "relabel", "outline", "second"]) $(`[data-action="${name}"]`).disabled ||= item.is_tile;
  show();
  if (push) history.pushState({ subject: item.subject }, "", line.address(item.subject));
  const { subject } = item;
  viewer.whenShown().then(() => {
    if (item.subject !== subject) return;
    film.open(item);
    askDrawn();
    fetchAhead();
  });
}

/** Fetch what comes next, as it would be shown now, once that rests. */
function fetchAhead(rests = 50) {
  clearTimeout(fetchAhead.timer);
  fetchAhead.timer = setTimeout(() => viewer.whenShown().then(() => line.prefetch()), rests);
}

/** Outlines that people drew; what is known of this item goes before what is known of the run. */
function showDrawn() {
  if (drawn.run !== viewer.run.key) drawn = { run: viewer.run.key, outlines: [] };
  const others = drawn.outlines.filter(({ change }) => change !== item.change);
  viewer.setExtra(item.extra ? [...others, item.extra] : others);
}

/** Others draw too: ask anew. */
async function askDrawn() {
  const { key } = viewer.run;
  try {
    const { outlines } = await get(`/api/runs/${encodeURIComponent(key)}/drawn`);
    if (viewer.run.key !== key) return;
    drawn = { run: key, outlines };
    item.extra = outlines.find(({ change }) => change === item.change) ?? null;
    showDrawn();
  } catch {
    // those that are known stay; they are asked for again with the next item
  }
}

/** What the present scale shows of an item. */
function area({ item: of, run }) {
  return { scene: [0, 0, ...run.size], tile: of.tile_box, change: of.focus }[scale];
}

function fit() {
  viewer.fit(area({ item, run: viewer.run }));
  for (const name of SCALES) $(`[data-action="scale:${name}"]`).setAttribute("aria-pressed", String(scale === name));
}

/** Everything around the maps, as it is now. */
function show() {
  if (!viewer.run || !viewer.view || !item) return;
  drawFurniture($(".furniture"), viewer.run, viewer.view.getResolution());
  drawLegend($(".legend"), legendLines(viewer.run, viewer.mode, viewer.shown));
  for (const mode of MODES) $(`[data-action="mode:${mode}"]`).setAttribute("aria-pressed", String(viewer.mode === mode));
  for (const [layer, on] of Object.entries(viewer.shown)) {
    $(`[data-action="layer:${layer}"]`).setAttribute("aria-pressed", String(on));
  }
  const left = viewer.leftDate();
  const told = { side: left, blink: left, swipe: "before", fade: "fade", difference: "difference" }[viewer.mode];
  const percent = Math.round((viewer.flipped ? 1 - viewer.fade : viewer.fade) * 100);
  $("#tag-left").innerHTML = "";
  $("#tag-left").append(...tag(told === "fade" || told === "difference" ? null : told, told === "fade"
    ? `${percent} % after` : told === "difference" ? "after − before, on the shared contrast" : ""));
  if (viewer.mode === "blink") $("#tag-left").append(` · ${viewer.blink} per second`);
  $("#tag-right").innerHTML = "";
  $("#tag-right").append(...tag(viewer.mode === "side" && viewer.flipped ? "before" : "after", ""));
  $("#tag-right").hidden = !["side", "swipe"].includes(viewer.mode);
  $("#advance").setAttribute("aria-pressed", String(advance));
}

function tag(date, text) {
  if (date === null) return [text];
  const other = viewer.other[date];
  const acquired = other ? other.acquired : viewer.run.dates[date].acquired;
  const strong = document.createElement("b");
  strong.textContent = other ? `in place of ${date}` : date;
  return [strong, ` ${acquired ? utc(acquired) : "time unknown"}`];
}

const utc = (text) => `${new Date(text).toISOString().slice(0, 19).replace("T", " ")} UTC`;

function say(text) {
  clearTimeout(brief.timer);
  $(".message").hidden = text === null;
  $(".message").textContent = text ?? "";
}

function brief(text) {
  say(text);
  brief.timer = setTimeout(() => say(null), 1500);
}

/** Send an answer about this item; the page does not wait for it. */
function answer(act, body, { subject = item.subject, run = null, thenNext = false } = {}) {
  const key = newKey();
  given.push({ key, subject });
  const goesOn = thenNext && advance;
  send({ key, act, subject, run, body, run_key: viewer.run.key, show: !goesOn }).then((result) => heard(result, act));
  line.forget(subject);
  if (goesOn) goNext();
}

/** What the desk made of an answer: shown where it is about what is on the screen. */
function heard({ item: told }, act) {
  line.recount();
  if (["missed", "outline", "undo"].includes(act)) askDrawn();
  if (!told || told.subject !== item.subject) return;
  item = { ...item, ...told };
  $("#given").textContent = item.given;
  $(".facts").innerHTML = item.facts_html;
  showDrawn();
}

function decide(verdict, reason = null) {
  if (!MAY_DECIDE || !item.decidable) return;
  $("#given").textContent = `You: ${words(verdict)}${reason ? `, ${words(reason)}` : ""}`;
  answer("verdict", reason ? { verdict, reason } : { verdict, ...(line.settles ? { settles: true } : {}) }, { thenNext: true });
}

async function reject() {
  if (!MAY_DECIDE || item.is_tile) return;
  const about = item.subject;
  const reason = await choose("Rejected: why?", REASONS.map((value) => ({ value, words: words(value) })));
  if (reason && item.subject === about) {
    $("#given").textContent = `You: rejected, ${words(reason)}`;
    answer("verdict", { verdict: "rejected", reason, ...(line.settles ? { settles: true } : {}) }, { thenNext: true });
  }
}

async function label(title, current = null) {
  const options = viewer.run.labels.map((value) => ({ value, words: value }));
  return choose(title, options, { other: "another label", current });
}

async function relabel() {
  if (!MAY_DECIDE || item.is_tile) return;
  const about = item.subject;
  const chosen = await label("What is it?", item.label);
  if (chosen && item.subject === about) answer("relabel", { label: chosen });
}

function outline() {
  if (!MAY_DECIDE || item.is_tile || !item.ring) return;
  const help_ = "Outline: drag its corners, arrows nudge it (Shift: five pixels), + and − size it, D draws anew. Enter saves, Esc leaves.";
  tools.edit("outline", item.ring, help_, (ring) => {
    item.ring = ring;
    answer("outline", { outline_px: ring });
    brief("Outline sent.");
  });
}

function missed() {
  if (!MAY_DECIDE) return;
  const help_ = "A missed change: put the outline on it. Arrows move it, + and − size it, corners can be dragged, D draws it. Enter goes on.";
  tools.edit("missed", tools.square(), help_, async (ring) => {
    const kind = await choose("What happened there?", [
      { value: "appeared", words: "appeared: it stands there after" }, { value: "vanished", words: "vanished: it stood there before" },
    ]);
    const chosen = kind && await label("What is it?");
    if (!chosen) return;
    answer("missed", { outline_px: ring, kind, label: chosen }, { subject: null, run: viewer.run.name });
    if (item.is_tile && item.decidable) answer("verdict", { verdict: "missed" });
    brief("Missed change sent.");
  });
}

async function note() {
  if (!MAY_DECIDE) return;
  const about = item.subject;
  const text = await write("Note", { longest: 4000 });
  if (text && item.subject === about) answer("note", { text });
}

function second() {
  if (MAY_DECIDE && !item.is_tile) answer("assign_second", { rule: "asked for at the desk" });
}

/** Take the last answer back: of this visit, or what the desk knows of the last hours. */
async function undo() {
  if (!MAY_DECIDE) return;
  const own = given.pop();
  const last = own ? { subject: own.subject, body: { event_key: own.key } } : await lastTaken();
  if (!last) return;
  const { subject, body } = last;
  send({ key: newKey(), act: "undo", subject, run: null, body, run_key: viewer.run.key })
    .then((result) => heard(result, "undo"));
  line.forget(subject);
  if (subject && subject !== item.subject) open(await line.goTo(subject));
  $("#given").textContent = "Taken back";
}

/** The last own answer that the desk knows, for a page that was loaded since. */
async function lastTaken() {
  try {
    const { event, subject } = await get("/api/answers/last");
    if (event !== null) return { subject, body: { event } };
    brief("There is no answer of yours to take back.");
  } catch (problem) {
    brief(`Your last answer is not known: ${problem.message}.`);
  }
  return null;
}

/** Answers that no other one takes back. */
function standing(answers) {
  const undone = new Set(answers.filter(({ act }) => act === "undo").map(({ body }) => body.event_key));
  return answers.filter(({ act, key }) => act !== "undo" && !undone.has(key));
}

async function goNext() {
  const entry = await line.next(item.subject);
  if (entry) open(entry);
  else say("That was the last one here. Q leads back to the queue.");
}

async function goBack() {
  const entry = await line.back(item.subject);
  if (entry) open(entry);
}

function setAdvance() {
  advance = !advance;
  localStorage.setItem("sitewatch-advance", advance ? "yes" : "no");
  show();
}

const ACTIONS = {
  confirm: () => (item.is_tile ? decide("nothing_missed") : decide("confirmed")),
  unsure: () => !item.is_tile && decide("unsure"),
  reject, relabel, outline, missed, note, undo, second, help: () => help(KEYS),
  next: goNext, back: goBack, queue: () => location.assign(line.queue()), advance: setAdvance,
  less: () => viewer.step(-1), more: () => viewer.step(1),
  scale: (to) => { scale = to ?? SCALES[(SCALES.indexOf(scale) + 1) % SCALES.length]; fit(); },
  mode: (mode) => viewer.setMode(mode), layer: (layer) => viewer.toggle(layer),
  zoom: (steps) => viewer.zoom(Number(steps)), pan: (by) => viewer.pan(by.split(",").map(Number)),
  film: (step) => film.step(Number(step)), flip: () => viewer.flip(true),
  bands: () => look.nextBands(), smooth: () => viewer.setSmooth(!viewer.smooth), measure: () => tools.measure(),
  contrast: (what) => (what === "reset" ? look.usual() : look.toggle()),
  escape: () => tools.leave() || (look.isOpen ? look.toggle() : say(null)),
};

function act(action) {
  const [name, argument] = action.split(":");
  ACTIONS[name]?.(argument);
  if (["scale", "mode", "layer", "bands", "contrast"].includes(name)) fetchAhead();
}

addEventListener("keydown", (event) => {
  if (isOpen() || !item) return;
  if (!event.target.closest?.("input, textarea, select") && tools.key(event)) {
    event.preventDefault();
    return;
  }
  const action = event.key === "Escape" ? "escape" : actionOf(event);
  if (!action || (event.repeat && !/^(pan|zoom|less|more|flip|film)/.test(action))) return;
  event.preventDefault();
  act(action);
});
addEventListener("keyup", (event) => event.key === " " && viewer.flip(false));
addEventListener("blur", () => viewer.flip(false));
addEventListener("click", (event) => {
  const button = event.target.closest("[data-action]");
  if (button && !button.disabled) act(button.dataset.action);
});
$("#contrast").addEventListener("input", () => fetchAhead(SETTLED_MS));
$(".handle").addEventListener("keydown", (event) => {
  const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  if (step && viewer.mode === "swipe") {
    viewer.step(step);
    event.stopPropagation();
    event.preventDefault();
  }
});
addEventListener("popstate", async (event) => {
  if (event.state?.subject) open(await line.goTo(event.state.subject), { push: false });
});

const first = JSON.parse($("#first").textContent);
line.begin(first);
history.replaceState({ subject: first.item.subject }, "");
open(first, { push: false });
document.body.dataset.ready = "yes";
