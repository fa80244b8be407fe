// Controls that several rooms share.

import { h } from "./dom.js";
import { icon } from "./icons.js";

/**
 * A button that shows only an icon. `attributes` add to, or replace, what it has by itself.
 * @param {string} label read aloud, and shown under the pointer
 * @param {string} name of the icon
 * @param {((event: MouseEvent) => void) | null} onclick
 * @param {Record<string, unknown>} [attributes]
 */
export const toolButton = (label, name, onclick, attributes = {}) =>
  h("button", { class: "tool", "aria-label": label, title: label, onclick, ...attributes }, icon(name));

/**
 * What an empty room says, with elements below it that help to fill it.
 * @param {string} name of the icon
 * @param {string} title
 * @param {string} text
 * @param {...Element} more
 */
export const blank = (name, title, text, ...more) =>
  h("div", { class: "blank" }, icon(name), h("strong", {}, title), h("p", {}, text), ...more);

/**
 * A search field. `changed()` runs at every change of its text; Escape clears it, leaves it and runs `escaped()`.
 * @param {{changed: () => void, escaped?: () => void, [attribute: string]: unknown}} options
 */
export function searchField({ changed, escaped = () => {}, ...attributes }) {
  const field = h("input", {
    type: "search",
    autocomplete: "off",
    spellcheck: "false",
    oninput: changed,
    ...attributes,
  });
  field.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    field.value = "";
    changed();
    field.blur();
    escaped();
  });
  return field;
}

/**
 * A number field. `set(value)` takes what was entered (NaN for an empty field), and `read()` tells what holds then.
 * `show()` brings the field up to date unless somebody is typing in it.
 * @param {{set: (value: number) => void, read: () => number | string, [attribute: string]: unknown}} options
 */
export function numberField({ set, read, ...attributes }) {
  const field = h("input", {
    type: "number",
    onchange: () => {
      set(field.value === "" ? NaN : Number(field.value));
      field.value = String(read());
    },
    ...attributes,
  });
  const show = () => {
    if (document.activeElement !== field) field.value = String(read());
  };
  return { field, show };
}
