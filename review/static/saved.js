// Says at all times whether every answer has arrived.

import { dismiss, flush, watch } from "./outbox.js";

const mark = document.querySelector(".outbox");
const banner = document.querySelector(".banner");

watch(({ waiting, refused, trouble }) => {
  if (!mark) return;
  mark.dataset.state = refused.length ? "refused" : waiting && trouble ? "waiting" : waiting ? "sending" : "saved";
  mark.textContent = refused.length
    ? `${refused.length} not taken`
    : waiting ? `${waiting} not saved yet` : "all saved";
  banner.hidden = !refused.length && !(waiting && trouble);
  if (refused.length) {
    const { key, reason, answer } = refused[0];
    const button = Object.assign(document.createElement("button"), { type: "button", textContent: "I have read it" });
    button.addEventListener("click", () => dismiss(key));
    banner.replaceChildren(`An answer (${answer.act}) was not taken: ${reason}`, button);
  } else if (waiting && trouble) {
    const button = Object.assign(document.createElement("button"), { type: "button", textContent: "Try now" });
    button.addEventListener("click", flush);
    banner.replaceChildren(`${waiting} answers are kept in this browser and sent again: ${trouble}.`, button);
  }
});
