// What a map needs around it: scale bar, north arrow, swatches of a legend.

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

/** Fill a legend: [[colour, "hatch", "head" or "none", words]]. */
export function drawLegend(element, lines) {
  element.replaceChildren(...lines.map(([what, words]) => {
    const line = Object.assign(document.createElement("p"), { className: what === "head" ? "title" : "" });
    if (what !== "none" && what !== "head") line.append(swatch(what));
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
