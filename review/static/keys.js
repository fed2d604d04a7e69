// The keys of the desk: one table, for what they do and for the help that lists them.

/** Keys by group: [key as KeyboardEvent.key or with "Shift+"/"Control+", what is shown, what it does, action]. */
export const KEYS = [
  ["Decide", [
    ["c", "C", "Confirmed: something changed here", "confirm"],
    ["r", "R", "Rejected, then a digit for the reason", "reject"],
    ["u", "U", "Unsure", "unsure"],
    ["l", "L", "Give another label", "relabel"],
    ["o", "O", "Correct the outline: arrows nudge, D draws anew", "outline"],
    ["a", "A", "Add a change that was missed", "missed"],
    ["t", "T", "Write a note", "note"],
    ["n", "N", "Suppress what comes up again here, or show it again", "place"],
    ["z", "Z", "Undo your last answer", "undo"],
    ["2", "Shift 2", "Ask for a blind second review", "second", "Shift"],
  ]],
  ["Go", [
    ["j", "J", "Next", "next"],
    ["k", "K", "Back to the one before", "back"],
    ["q", "Q", "To the queue", "queue"],
    ["f", "F", "Files to hand over", "handover"],
    ["g", "G", "Go on by itself after an answer, or not", "advance"],
  ]],
  ["Compare", [
    ["1", "1", "Side by side", "mode:side"],
    ["2", "2", "Swipe", "mode:swipe"],
    ["3", "3", "Blink", "mode:blink"],
    ["4", "4", "Fade", "mode:fade"],
    ["5", "5", "Difference", "mode:difference"],
    [" ", "Space", "Other date, for as long as it is held", "flip"],
    ["[", "[", "Swipe left, blink slower, fade to before", "less"],
    ["]", "]", "Swipe right, blink faster, fade to after", "more"],
    [",", ",", "Date before, in the film strip", "film:-1"],
    [".", ".", "Date after, in the film strip", "film:1"],
    ["0", "0", "Back to the dates of the pair", "film:0"],
  ]],
  ["Look", [
    ["s", "S", "Scale: the change, its tile, the whole scene", "scale"],
    ["+", "+", "Nearer", "zoom:1"],
    ["-", "−", "Further away", "zoom:-1"],
    ["ArrowLeft", "Arrows", "Move the view", "pan:-1,0"],
    ["ArrowRight", "", "", "pan:1,0"],
    ["ArrowUp", "", "", "pan:0,-1"],
    ["ArrowDown", "", "", "pan:0,1"],
    ["h", "H", "Outlines of changes", "layer:outlines"],
    ["y", "Y", "Zones of the site", "layer:zones"],
    ["e", "E", "Evidence", "layer:evidence"],
    ["d", "D", "Detectability: what would have been found", "layer:detectability"],
    ["p", "P", "Detectability of the next size of objects", "size"],
    ["v", "V", "Validity: what could not be seen", "layer:validity"],
    ["/", "/", "Fold the legend away, or show it", "legend"],
    ["b", "B", "Other bands", "bands"],
    ["w", "W", "Contrast", "contrast"],
    ["x", "X", "Contrast as it was", "contrast:reset"],
    ["i", "I", "Pixels as they are, or smooth", "smooth"],
    ["m", "M", "Measure a length", "measure"],
  ]],
  ["Help", [
    ["?", "?", "These keys", "help"],
    ["Escape", "Esc", "Leave a tool or a dialog", "escape"],
  ]],
];

/** Keys of pages that list what there is to look at. */
export const LIST_KEYS = [
  ["Choose", [
    ["j", "J", "Next one", "next"],
    ["k", "K", "The one before", "back"],
    ["Enter", "Enter", "Open it; the first one where none is chosen", "open"],
    ["f", "F", "Files to hand over, of what is shown", "handover"],
  ]],
  ["Help", [
    ["?", "?", "These keys", "help"],
    ["Escape", "Esc", "Leave a dialog", "escape"],
  ]],
];

/** The action of a key press, or null; never while somebody types or a dialog is open. */
export function actionOf(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return null;
  const target = event.target;
  if (target.closest?.("input, textarea, select, [contenteditable], dialog[open]")) return null;
  if (event.key === " " && target.closest?.("button, summary, a")) return null;
  if (event.shiftKey && event.code === "Digit2") return "second";
  const wanted = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  for (const [, rows] of KEYS) {
    for (const [key, , , action, modifier] of rows) {
      if (key === wanted && !modifier) return action;
    }
  }
  return wanted === "=" ? "zoom:1" : null;
}

/** Fill an element with a table. */
export function listKeys(element, table) {
  for (const [group, rows] of table) {
    const section = document.createElement("section");
    section.append(Object.assign(document.createElement("h3"), { textContent: group }));
    const list = document.createElement("dl");
    for (const [, shown, words] of rows) {
      if (!shown) continue;
      const term = document.createElement("dt");
      term.append(Object.assign(document.createElement("kbd"), { textContent: shown }));
      list.append(term, Object.assign(document.createElement("dd"), { textContent: words }));
    }
    section.append(list);
    element.append(section);
  }
}
