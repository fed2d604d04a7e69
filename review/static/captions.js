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

/** Whether somebody folded the legend away: it covers a part of the image. */
export const legendFolded = () => localStorage.getItem("sitewatch-legend") === "folded";

/** Fold it away, or show it again; kept for the next visit. */
export function foldLegend(folded) {
  localStorage.setItem("sitewatch-legend", folded ? "folded" : "open");
  $(".legend").dataset.folded = folded ? "yes" : "no";
  $(".legend .fold").setAttribute("aria-expanded", String(!folded));
}

/** Show whether a button is on. */
export function press(action, on) {
  $(`[data-action="${action}"]`).setAttribute("aria-pressed", String(on));
}

function drawTags(viewer) {
  const { mode, flipped } = viewer;
  const left = viewer.leftDate();
  const both = ["before", "after"];
  const told = { side: [left], blink: [left], swipe: ["before"], fade: both, difference: both }[mode];
  const percent = Math.round((flipped ? 1 - viewer.fade : viewer.fade) * 100);
  const said = {
    blink: `${viewer.blink} per second`, fade: `${percent} % after`, difference: "after − before, on the shared contrast",
  }[mode];
  $("#tag-left").replaceChildren(...tag(viewer, told, said));
  $("#tag-right").replaceChildren(...tag(viewer, [mode === "side" && flipped ? "before" : "after"]));
  $("#tag-right").hidden = !["side", "swipe"].includes(mode);
}

/** Which dates are shown, how, and what of the look is not as usual. */
function tag(viewer, dates, said = null) {
  const words = [said, ...lookWords(viewer)].filter(Boolean).map((text) => ` · ${text}`);
  return [...dates.flatMap((date, index) => [...(index ? [" and "] : []), ...dateWords(viewer, date)]), ...words];
}

/** The bands and the contrast, where they are not the run's own. */
function lookWords({ run, look }) {
  const { bands, ...contrast } = look;
  const set = bands && run.bands.sets.find((one) => String(one.bands) === String(bands));
  return [set ? `bands: ${set.name}` : null, Object.keys(contrast).length > 0 ? "contrast changed" : null];
}

function dateWords(viewer, date) {
  const other = viewer.other[date];
  const acquired = other ? other.acquired : viewer.run.dates[date].acquired;
  const strong = document.createElement("b");
  strong.textContent = other ? `in place of ${date}` : date;
  return [strong, ` ${acquired ? utc(acquired) : "time unknown"}`];
}

const utc = (text) => `${new Date(text).toISOString().slice(0, 19).replace("T", " ")} UTC`;
