// Files to hand over: what `sitewatch export` makes, asked for and fetched from a page.

import { frame } from "./dialogs.js";
import { get, post } from "./http.js";

const FORMATS = [
  ["pdf", "PDF brief", "for people, with both images of each finding"],
  ["html", "HTML brief", "the same, as one page"],
  ["geojson", "GeoJSON", "outlines, for any GIS"],
  ["gpkg", "GeoPackage", "outlines with a style, for QGIS"],
  ["kml", "KML", "outlines, for Google Earth"],
  ["csv", "CSV", "a table"],
  ["stac", "STAC", "a copy of the whole comparison with its images"],
];
const ASK_MS = 400;

/** Ask what is wanted of some runs: [{key, words}], at most `most` at once, and hand it to the browser. */
export function handOver(runs, { most = 1, minScore = "", trouble = null } = {}) {
  const { dialog, end } = frame("Hand over");
  dialog.classList.add("hand-over");
  const form = document.createElement("form");
  form.append(which(runs, most), formats(), leftOut(minScore));
  const told = tell();
  const make = Object.assign(document.createElement("button"), { className: "primary", textContent: "Make files" });
  form.append(...told.elements, end);
  end.append(make);
  dialog.append(form);
  const order = { id: null };
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (wanted(form, runs).formats.length === 0) {
      told.fail("choose at least one format");
      return;
    }
    make.disabled = true;
    told.say("Asking the desk …");
    try {
      const ready = await made(wanted(form, runs), order, told, dialog);
      if (ready) {
        fetchFile(ready);
        told.say(`${ready.name}, ${size(ready.bytes)}: your browser has it.`);
      }
    } catch (problem) {
      told.fail(problem.message);
    }
    order.id = null;
    make.disabled = false;
  });
  dialog.addEventListener("close", () => order.id && post(`/api/exports/${order.id}/stop`, {}).catch(() => {}));
  dialog.showModal();
  if (trouble) {
    told.fail(trouble);
    make.disabled = true;
  }
  form.elements.format[0].focus();
}

/** Begin, and wait until it is ready; null where the dialog was closed meanwhile. */
async function made(body, order, told, dialog) {
  let job = await post("/api/exports", body);
  order.id = job.id;
  while (dialog.isConnected && (job.state === "waiting" || job.state === "working")) {
    told.say(`${sentence(job.step)}${job.total ? `: ${Math.min(job.done, job.total)} of ${job.total}` : ""} …`);
    await new Promise((done) => setTimeout(done, ASK_MS));
    job = await get(`/api/exports/${job.id}`);
  }
  if (job.state === "failed") throw new Error(job.error);
  return job.state === "ready" ? job : null;
}

function fetchFile({ id, name }) {
  const link = Object.assign(document.createElement("a"), { href: `/exports/${id}`, download: name });
  document.body.append(link);
  link.click();
  link.remove();
}

function wanted({ elements }, runs) {
  const score = elements.score.value.trim();
  return {
    runs: elements.run && elements.run.value !== "" ? [elements.run.value] : runs.map(({ key }) => key),
    formats: [...elements.format].filter(({ checked }) => checked).map(({ value }) => value),
    confirmed: elements.confirmed.checked, anonymous: elements.anonymous.checked, pictures: elements.pictures.checked,
    ...(score === "" ? {} : { min_score: Number(score) }),
  };
}

function which(runs, most) {
  if (runs.length < 2) return Object.assign(document.createElement("p"), { textContent: runs[0]?.words ?? "" });
  const select = Object.assign(document.createElement("select"), { name: "run" });
  if (runs.length <= most) select.append(new Option(`all ${runs.length} comparisons that are shown`, ""));
  select.append(...runs.map(({ key, words }) => new Option(words, key)));
  const label = document.createElement("label");
  label.append("Of ", select);
  return label;
}

function formats() {
  const set = group("Formats");
  for (const [value, name, words] of FORMATS) set.append(box("format", name, words, { value, checked: value === "pdf" }));
  return set;
}

function leftOut(minScore) {
  const set = group("What goes in");
  const score = Object.assign(document.createElement("input"), {
    type: "number", name: "score", min: 0, max: 1, step: 0.01, value: minScore, placeholder: "any",
  });
  const label = document.createElement("label");
  label.append("Score from ", score);
  set.append(
    box("confirmed", "Confirmed only", "what reviewers confirmed"), label,
    box("anonymous", "Anonymous", "reviewers by number in place of their names"),
    box("pictures", "Pictures in the KML", "as KMZ"),
  );
  return set;
}

function group(title) {
  const set = document.createElement("fieldset");
  set.append(Object.assign(document.createElement("legend"), { textContent: title }));
  return set;
}

function box(name, title, words, more = {}) {
  const label = document.createElement("label");
  const input = Object.assign(document.createElement("input"), { type: "checkbox", name, ...more });
  const what = Object.assign(document.createElement("span"), { textContent: title });
  label.append(input, what, Object.assign(document.createElement("span"), { className: "quiet", textContent: words }));
  return label;
}

/** Where it says how far it is, and what went wrong. */
function tell() {
  const status = document.createElement("p");
  status.setAttribute("role", "status");
  const alert = Object.assign(document.createElement("p"), { className: "wrong", hidden: true });
  alert.setAttribute("role", "alert");
  const show = (words, wrong) => {
    status.textContent = wrong ? "" : words;
    alert.textContent = wrong ? `No files were made: ${words}.` : "";
    alert.hidden = !wrong;
  };
  return { elements: [status, alert], say: (words) => show(words, false), fail: (words) => show(words, true) };
}

const sentence = (words) => words.charAt(0).toUpperCase() + words.slice(1);
const size = (bytes) => (bytes >= 1e6 ? `${(bytes / 1e6).toFixed(1)} MB` : `${Math.max(1, Math.round(bytes / 1e3))} kB`);
