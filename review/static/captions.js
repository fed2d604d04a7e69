// What stands around the maps: which dates and layers are shown, how large a metre is, where north is.

import { drawFurniture, drawLegend } from "./furniture.js";
import { legendLines } from "./legend.js";
import { MODES } from "./viewer.js";

const $ = (selector) => document.querySelector(selector);

/** Bring all of it up to date with a view of an item. */
export function drawCaptions(viewer, item) {
  drawFurniture($(".furniture"), viewer.run, viewer.view.getResolution());
  drawLegend($(".legend .lines"), legendLines(viewer, item));
  $(".legend").hidden = !$(".legend .lines").hasChildNodes();
  for (const mode of MODES) press(`mode:${mode}`, viewer.mode === mode);
  for (const [layer, on] of Object.entries(viewer.shown)) press(`layer:${layer}`, on);
  drawTags(viewer);
}

/** Show whether a button is on. */
export function press(action, on) {
  $(`[data-action="${action}"]`).setAttribute("aria-pressed", String(on));
}

function drawTags(viewer) {
  const { mode, flipped } = viewer;
  const left = viewer.leftDate();
  const told = { side: left, blink: left, swipe: "before", fade: null, difference: null }[mode];
  const percent = Math.round((flipped ? 1 - viewer.fade : viewer.fade) * 100);
  const said = { fade: `${percent} % after`, difference: "after − before, on the shared contrast" }[mode] ?? "";
  $("#tag-left").replaceChildren(...tag(viewer, told, said));
  if (mode === "blink") $("#tag-left").append(` · ${viewer.blink} per second`);
  $("#tag-right").replaceChildren(...tag(viewer, mode === "side" && flipped ? "before" : "after", ""));
  $("#tag-right").hidden = !["side", "swipe"].includes(mode);
}

function tag(viewer, date, text) {
  if (date === null) return [text];
  const other = viewer.other[date];
  const acquired = other ? other.acquired : viewer.run.dates[date].acquired;
  const strong = document.createElement("b");
  strong.textContent = other ? `in place of ${date}` : date;
  return [strong, ` ${acquired ? utc(acquired) : "time unknown"}`];
}

const utc = (text) => `${new Date(text).toISOString().slice(0, 19).replace("T", " ")} UTC`;
