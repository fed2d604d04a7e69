// What the layers over the images mean, in words.

const BRIGHTER = "#ffdd57";
const DARKER = "#8b6cff";

/** Lines of the legend for what is switched on: [[colour, "hatch", "head" or "none", words]]. */
export function legendLines({ run, mode, shown, size }, item) {
  return [
    ...(mode === "difference" ? difference() : []),
    ...(shown.evidence ? evidence(run) : []),
    ...(shown.detectability ? detectability(run.detectability, size, item) : []),
    ...(shown.validity ? validity() : []),
  ];
}

function difference() {
  return [["head", "Difference"], [BRIGHTER, "brighter than before"], [DARKER, "darker than before"]];
}

function evidence(run) {
  return [
    ["head", "Evidence that the ground changed"],
    [BRIGHTER, "brighter than before"], [DARKER, "darker than before"],
    ["none", `clear: no more than noise; full colour: ${run.evidence_full} times the noise`],
  ];
}

function validity() {
  return [
    ["head", "Validity"],
    ["hatch", "not observed on both dates (cloud, shadow, no data): nothing is known here"],
  ];
}

function detectability(known, size, item) {
  if (known === null) return [["head", "Detectability"], ["hatch", "nothing was assessed here"]];
  const one = known.sizes.find(({ name }) => name === size);
  const classes = one
    ? [[known.classes[0].colour, `${one.words} would have been found`], [known.classes.at(-1).colour, `${one.words} would have been missed`]]
    : known.classes.map(({ words, colour }) => [colour, words]);
  return [
    ["head", one ? `Detectability of ${one.words}` : "Detectability: the smallest that would have been found"],
    ...classes.map(([colour, words]) => [`rgb(${colour.join(",")})`, words]),
    ["hatch", "not observed on both dates"],
    ...(one ? [["none", share(one, item)]] : []),
    ["none", `for objects that differ from the ground by ${known.ordinary} (${known.unit})`],
  ];
}

/** How much of what was seen a size would have been found on. */
function share({ name, words, found_share: whole }, item) {
  const here = item?.found_shares?.[name] ?? null;
  const tile = here === null ? "" : `, ${percent(here)} in this tile`;
  return `Share of ${words} that would have been found: ${whole === null ? "not known" : percent(whole)}${tile}`;
}

const percent = (part) => `${(part * 100).toFixed(0)} %`;
