// Short questions: a list to choose from by digit, a text to write, the table of keys.

import { listKeys } from "./keys.js";

/** Let somebody choose one of [{value, words}]; resolves with the value or null. `other` adds a field for another text. */
export function choose(title, options, { other = null, current = null } = {}) {
  const { dialog, end } = frame(title);
  const list = document.createElement("ol");
  return new Promise((resolve) => {
    options.forEach(({ value, words }, index) => {
      const button = document.createElement("button");
      button.type = "button";
      const digit = index < 9 ? String(index + 1) : String.fromCharCode(97 + index - 9);
      button.append(Object.assign(document.createElement("kbd"), { textContent: digit.toUpperCase() }), words);
      button.dataset.key = digit;
      if (value === current) button.setAttribute("aria-pressed", "true");
      button.addEventListener("click", () => close(dialog, resolve, value));
      list.append(Object.assign(document.createElement("li"), {}));
      list.lastChild.append(button);
    });
    dialog.insertBefore(list, end);
    if (other) {
      const field = Object.assign(document.createElement("input"), { maxLength: 60, placeholder: other });
      field.setAttribute("aria-label", other);
      field.addEventListener("keydown", (event) => {
        if (event.key === "Enter" && field.value.trim()) close(dialog, resolve, field.value.trim());
      });
      end.prepend(field);
    }
    dialog.addEventListener("keydown", (event) => {
      event.stopPropagation(); // a digit chosen here is not also a key of the page
      if (event.target.matches("input") || event.ctrlKey || event.metaKey || event.altKey) return;
      const button = list.querySelector(`button[data-key="${CSS.escape(event.key.toLowerCase())}"]`);
      if (button) {
        event.preventDefault();
        button.click();
      }
    });
    dialog.addEventListener("close", () => resolve(null));
    dialog.showModal();
    list.querySelector("button")?.focus();
  });
}

/** Let somebody write; resolves with the text or null. Control+Enter saves. */
export function write(title, { longest }) {
  const { dialog, end } = frame(title);
  const area = Object.assign(document.createElement("textarea"), { maxLength: longest });
  area.setAttribute("aria-label", title);
  const save = Object.assign(document.createElement("button"), { type: "button", className: "primary", textContent: "Save" });
  const hint = Object.assign(document.createElement("span"), { className: "quiet", textContent: "Ctrl+Enter saves, Esc leaves" });
  dialog.insertBefore(area, end);
  end.prepend(hint);
  end.append(save);
  return new Promise((resolve) => {
    const done = () => area.value.trim() && close(dialog, resolve, area.value.trim());
    save.addEventListener("click", done);
    area.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) done();
    });
    dialog.addEventListener("close", () => resolve(null));
    dialog.showModal();
    area.focus();
  });
}

/** Show a table of keys. */
export function help(table) {
  const { dialog, end } = frame("Keys");
  const keys = Object.assign(document.createElement("div"), { className: "keys" });
  listKeys(keys, table);
  dialog.insertBefore(keys, end);
  dialog.showModal();
}

/** Whether a dialog is open. */
export const isOpen = () => document.querySelector("dialog[open]") !== null;

/** A dialog that is not shown yet, with a row at its end that closes it. */
export function frame(title) {
  const dialog = document.createElement("dialog");
  dialog.setAttribute("aria-label", title);
  dialog.append(Object.assign(document.createElement("h2"), { textContent: title }));
  const end = Object.assign(document.createElement("div"), { className: "end" });
  const leave = Object.assign(document.createElement("button"), { type: "button", textContent: "Close (Esc)" });
  leave.addEventListener("click", () => dialog.close());
  end.append(leave);
  dialog.append(end);
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  return { dialog, end };
}

function close(dialog, resolve, value) {
  resolve(value);
  dialog.close();
}
