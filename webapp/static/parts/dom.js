// Small helpers for building elements and for telling the player something.

// h("button", {class: "x", onclick: f, "aria-label": "..."}, "text", child, ...)
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

const TAIL = 9; // letters at the end of a name, which often tell it from its neighbours: "glide 07", "_v2_060"

// A name that is cut in its middle where there is no room for it, so that its end is still read. Its text is the name.
export function cutName(tag, name) {
  const letters = Array.from(name);
  const [head, tail] = letters.length > 2 * TAIL ? [letters.slice(0, -TAIL), letters.slice(-TAIL)] : [letters, []];
  return h(
    tag,
    { class: "cut-name" },
    h("span", { class: "head" }, head.join("")),
    tail.length ? h("span", { class: "tail" }, tail.join("")) : null,
  );
}

// A labelled switch: `element` to place, `box` whose `checked` is its state.
export function toggle(label, title, onchange) {
  const box = h("input", { type: "checkbox", role: "switch", onchange: () => onchange(box.checked) });
  return { box, element: h("label", { class: "switch", title }, box, h("span", {}), label) };
}

let shelf = null;

// A message that leaves by itself (or at a click) and is read aloud; the same sentence is not stacked.
export function toast(sentence) {
  if (!shelf?.isConnected) {
    shelf = h("div", { class: "toasts", role: "status", "aria-live": "polite" });
    document.body.append(shelf);
  }
  for (const shown of shelf.children) if (shown.dataset.sentence === sentence) shown.remove();
  const close = h("button", { class: "plain", "aria-label": "Dismiss", onclick: () => message.remove() }, "×");
  const message = h("div", { class: "toast", "data-sentence": sentence }, h("span", {}, sentence), close);
  shelf.append(message);
  setTimeout(() => message.remove(), 7000);
}

// Hands a file that the server sent over to the player, under the name it was sent with.
export async function saveFile(answer) {
  saveBlob(
    await answer.blob(),
    /filename="([^"]+)"/.exec(answer.headers.get("Content-Disposition"))?.[1] ?? "note.wav",
  );
}

// Hands `blob` to the browser's downloads under `name`, and says so.
export function saveBlob(blob, name) {
  const address = URL.createObjectURL(blob);
  h("a", { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 10000);
  toast(`Saved ${name}`);
}

// Whether an element's room is at the front of its pane. Asking for its size would lay out the page at every step of a drag.
export const isShown = (element) => element.isConnected && !element.closest(".away");
