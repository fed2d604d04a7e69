// What a map needs around it: scale bar, north arrow, legends of the layers.

const BAR_PX = 130;

/** Length and words of a scale bar: a round length that fits. */
export function scaleBar(metresPerPixel) {
  const longest = BAR_PX * metresPerPixel;
  const power = 10 ** Math.floor(Math.log10(longest));
  const metres = [5, 2, 1].map((step) => step * power).find((length) => length <= longest);
  const words = metres >= 1000 ? `${metres / 1000} km` : metres >= 1 ? `${metres} m` : `${Math.round(metres * 100)} cm`;
  return { px: metres / metresPerPixel, words };
}

/** Draw bar and arrow into the element for a view. */
export function drawFurniture(element, run, resolution) {
  const { px, words } = scaleBar(resolution * run.gsd_m);
  element.querySelector(".scalebar span").textContent = words;
  element.querySelector(".scalebar i").style.width = `${px}px`;
  const north = element.querySelector(".north");
  north.toggleAttribute("hidden", run.north_deg === null);
  if (run.north_deg !== null) north.style.transform = `rotate(${run.north_deg}deg)`;
}

/** Lines of the legend for what is switched on: [[colour or "hatch" or kind, words]]. */
export function legendLines(run, mode, shown) {
  const lines = [];
  if (mode === "difference" || shown.evidence) {
    const what = mode === "difference" ? "" : `, strongest from ${run.evidence_full} sigma`;
    lines.push(["#ffdd57", `brighter than before${what}`], ["#8b6cff", `darker than before${what}`]);
  }
  if (shown.detectability) {
    if (run.detectability === null) lines.push(["hatch", "nothing was assessed here"]);
    for (const { words, colour } of run.detectability?.classes ?? []) lines.push([`rgb(${colour.join(",")})`, words]);
    if (run.detectability) lines.push(["none", `at a contrast of ${run.detectability.ordinary} (${run.detectability.unit})`]);
  }
  if (shown.validity || (shown.detectability && run.detectability)) lines.push(["hatch", "not observed on both dates"]);
  return lines;
}

/** Fill the legend. */
export function drawLegend(element, lines) {
  element.hidden = lines.length === 0;
  element.replaceChildren(...lines.map(([colour, words]) => {
    const line = document.createElement("p");
    if (colour !== "none") line.append(swatch(colour));
    line.append(words);
    return line;
  }));
}

function swatch(colour) {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  const shape = document.createElementNS(space, colour === "hatch" ? "path" : "rect");
  const attributes = colour === "hatch"
    ? { d: "M0 12L12 0M0 6L6 0M6 12L12 6", stroke: "#c45ca0", "stroke-width": 2 }
    : { width: 14, height: 12, fill: colour };
  for (const [name, value] of Object.entries({ ...attributes })) shape.setAttribute(name, value);
  for (const [name, value] of Object.entries({ width: 14, height: 12, "aria-hidden": true })) svg.setAttribute(name, value);
  svg.append(shape);
  return svg;
}
