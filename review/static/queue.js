// Pages that list: filters act at once, keys choose and open.

import { help, isOpen } from "./dialogs.js";
import { handOver } from "./hand_over.js";
import { get } from "./http.js";
import { LIST_KEYS } from "./keys.js";
import "./saved.js";

for (const form of document.querySelectorAll("form[data-auto]")) {
  form.addEventListener("change", () => {
    for (const field of form.elements) field.disabled = field.name !== "" && field.value === "";
    form.submit();
  });
}

// What the first change needs is fetched once this page has all of its own.
addEventListener("load", () => (window.requestIdleCallback ?? setTimeout)(() => {
  for (const link of document.querySelectorAll('link[rel="x-ahead"]')) fetch(link.href).catch(() => {});
}));

const cards = [...document.querySelectorAll("a.change, tbody a")];
const begin = document.querySelector("#begin") ?? cards[0];

/** Files of the comparisons that are listed. */
async function handOverShown() {
  const button = document.querySelector("#hand-over");
  if (!button || button.disabled) return;
  const filters = new URLSearchParams(location.search);
  filters.delete("after");
  button.disabled = true;
  try {
    const { runs, most } = await get(`/api/queue/runs?${filters}`);
    if (runs.length > 0) handOver(runs, { most, minScore: filters.get("min_score") ?? "" });
  } catch (problem) {
    handOver([], { trouble: problem.message });
  } finally {
    button.disabled = false;
  }
}
document.querySelector("#hand-over")?.addEventListener("click", handOverShown);

addEventListener("keydown", (event) => {
  if (isOpen() || event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, select, textarea, button")) return;
  const at = cards.indexOf(document.activeElement);
  if (event.key === "?") help(LIST_KEYS);
  else if (event.key === "j" || event.key === "ArrowRight") cards[Math.min(at + 1, cards.length - 1)]?.focus();
  else if (event.key === "k" || event.key === "ArrowLeft") cards[Math.max(at - 1, 0)]?.focus();
  else if (event.key === "f") handOverShown();
  else if (event.key === "Enter" && !event.target.closest("a")) begin?.click();
  else return;
  event.preventDefault();
});

document.body.dataset.ready = "yes";
