// The compare page: one item of the queue at a time, decided by keyboard.

import { Answers, mayDecide } from "./answering.js";
import { drawCaptions, foldLegend, legendFolded, press } from "./captions.js";
import { help, isOpen } from "./dialogs.js";
import { Tools } from "./draw.js";
import { Film } from "./film.js";
import { handOver } from "./hand_over.js";
import { get } from "./http.js";
import { KEYS, actionOf } from "./keys.js";
import { Line } from "./line.js";
import { Look } from "./look.js";
import "./saved.js";
import { Size } from "./size.js";
import { Viewer } from "./viewer.js";

const SCALES = ["change", "tile", "scene"];
const SETTLED_MS = 300; // a slider has come to rest
const ABOUT_CHANGES = ["reject", "unsure", "relabel", "outline", "second"];
const $ = (selector) => document.querySelector(selector);

const viewer = new Viewer({ maps: $(".maps"), left: $("#left"), right: $("#right"), handle: $(".handle") }, () => show());
const tools = new Tools(viewer, say);
const line = new Line((entry) => viewer.addresses(entry.run, area(entry)));
const film = new Film(viewer, line, $(".film .frames"));
const look = new Look(viewer, $("#contrast"), $('[data-action="contrast"]'), brief);
const size = new Size(viewer, $(".legend .sizes"), brief);
const page = {
  item: null, viewer, line, tools, advance: localStorage.getItem("sitewatch-advance") !== "no",
  goNext, goTo: async (subject) => open(await line.goTo(subject)), showGiven, heard, askDrawn, brief,
};
const answers = new Answers(page);
let drawn = { run: null, outlines: [] };
let scale = "change";

/** Show an item of the queue. */
function open(entry, { push = true } = {}) {
  tools.leave();
  const { item } = entry;
  page.item = item;
  if (viewer.open(entry.run)) {
    look.reset();
    size.reset();
  }
  film.leave();
  viewer.setCurrent(item.change, item.subject);
  showDrawn();
  fit();
  showFacts();
  $(".facts").scrollTop = 0;
  $("#left-count").textContent = line.words();
  showButtons(item);
  show();
  if (push) history.pushState({ subject: item.subject }, "", line.address(item.subject));
  viewer.whenShown().then(() => {
    if (page.item.subject !== item.subject) return;
    film.open(item);
    askDrawn();
    fetchAhead();
  });
}

function showFacts() {
  $("#crumb").textContent = page.item.title;
  document.title = `${page.item.title} · sitewatch`;
  $(".facts").innerHTML = page.item.facts_html; // made by the desk's own templates, which escape every value
  showGiven(page.item.given);
}

function showGiven(words) {
  $("#given").textContent = words;
}

/** What can be said of this item. */
function showButtons(item) {
  for (const name of ["confirm", "reject", "unsure"]) $(`[data-action="${name}"]`).disabled = !mayDecide || !item.decidable;
  for (const [name, label] of [["confirm", item.is_tile ? "Nothing missed" : "Confirmed"], ["reject", "Rejected"]]) {
    $(`[data-action="${name}"] span`).textContent = label;
  }
  for (const name of ABOUT_CHANGES) $(`[data-action="${name}"]`).disabled ||= item.is_tile;
  for (const name of ["reject", "unsure"]) $(`[data-action="${name}"]`).hidden = item.is_tile;
}

/** What the desk made of an answer: shown where it is about what is on the screen. */
function heard(told) {
  if (told.subject !== page.item.subject) return;
  page.item = { ...page.item, ...told };
  showFacts();
  showDrawn();
}

/** Fetch what comes next, as it would be shown now, once that rests. */
function fetchAhead(rests = 50) {
  clearTimeout(fetchAhead.timer);
  fetchAhead.timer = setTimeout(() => viewer.whenShown().then(() => line.prefetch()), rests);
}

/** Outlines that people drew; what is known of this item goes before what is known of the run. */
function showDrawn() {
  const { item } = page;
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
    page.item.extra = outlines.find(({ change }) => change === page.item.change) ?? null;
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
  viewer.fit(area({ item: page.item, run: viewer.run }));
  for (const name of SCALES) press(`scale:${name}`, scale === name);
}

/** Everything around the maps, as it is now. */
function show() {
  if (!viewer.run || !viewer.view || !page.item) return;
  drawCaptions(viewer, page.item);
  size.show();
  press("advance", page.advance);
}

function say(text) {
  clearTimeout(brief.timer);
  $(".message").hidden = text === null;
  $(".message").textContent = text ?? "";
}

function brief(text) {
  say(text);
  brief.timer = setTimeout(() => say(null), 1500);
}

async function goNext() {
  const entry = await line.next(page.item.subject);
  if (entry) open(entry);
  else say("That was the last one here. Q leads back to the queue.");
}

async function goBack() {
  const entry = await line.back(page.item.subject);
  if (entry) open(entry);
}

function setAdvance() {
  page.advance = !page.advance;
  localStorage.setItem("sitewatch-advance", page.advance ? "yes" : "no");
  show();
}

function handOverRun() {
  const { key, name, site, dates } = viewer.run;
  const [before, after] = ["before", "after"].map((date) => dates[date].acquired?.slice(0, 10) ?? "no date");
  handOver([{ key, words: `${site?.name ?? name}, ${before} to ${after}` }]);
}

const ACTIONS = {
  confirm: () => answers.decide(page.item.is_tile ? "nothing_missed" : "confirmed"),
  unsure: () => !page.item.is_tile && answers.decide("unsure"),
  help: () => help(KEYS), handover: handOverRun,
  next: goNext, back: goBack, queue: () => location.assign(line.queue()), advance: setAdvance,
  legend: () => foldLegend(!legendFolded()), less: () => viewer.step(-1), more: () => viewer.step(1),
  scale: (to) => { scale = to ?? SCALES[(SCALES.indexOf(scale) + 1) % SCALES.length]; fit(); },
  mode: (mode) => viewer.setMode(mode), layer: (layer) => viewer.toggle(layer), size: () => size.next(),
  zoom: (steps) => viewer.zoom(Number(steps)), pan: (by) => viewer.pan(by.split(",").map(Number)),
  film: (step) => film.step(Number(step)), flip: () => viewer.flip(true),
  bands: () => look.nextBands(), smooth: () => viewer.setSmooth(!viewer.smooth), measure: () => tools.measure(),
  contrast: (what) => (what === "reset" ? look.usual() : look.toggle()),
  escape: () => tools.leave() || (look.isOpen ? look.toggle() : say(null)),
};
for (const name of ["reject", "relabel", "outline", "missed", "note", "second", "place", "undo"]) {
  ACTIONS[name] = () => answers[name]();
}

function act(action) {
  const [name, argument] = action.split(":");
  ACTIONS[name]?.(argument);
  if (["scale", "mode", "layer", "bands", "contrast", "size"].includes(name)) fetchAhead();
}

addEventListener("keydown", (event) => {
  if (isOpen() || !page.item) return;
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
$(".legend .sizes").addEventListener("change", () => fetchAhead());
addEventListener("popstate", async (event) => {
  if (event.state?.subject) open(await line.goTo(event.state.subject), { push: false });
});

foldLegend(legendFolded());
const first = JSON.parse($("#first").textContent);
line.begin(first);
history.replaceState({ subject: first.item.subject }, "");
open(first, { push: false });
document.body.dataset.ready = "yes";
