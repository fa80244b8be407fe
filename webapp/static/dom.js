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

// A drawing from a list of SVG path data on a 24 x 24 grid, in the text's colour.
export function icon(...paths) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  for (const [name, value] of Object.entries({ viewBox: "0 0 24 24", class: "icon", "aria-hidden": "true" })) {
    svg.setAttribute(name, value);
  }
  for (const data of paths) {
    const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
    path.setAttribute("d", data);
    svg.append(path);
  }
  return svg;
}

// A labelled switch: `element` to place, `box` whose `checked` is its state.
export function toggle(label, title, onchange) {
  const box = h("input", { type: "checkbox", role: "switch", onchange: () => onchange(box.checked) });
  return { box, element: h("label", { class: "switch", title }, box, h("span", {}), label) };
}

// The element a room builds in; emptied first, as Gradio may mount a room a second time.
export function hostOf(element) {
  const host = element.querySelector(".room");
  host.replaceChildren();
  return host;
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
  saveBlob(await answer.blob(), /filename="([^"]+)"/.exec(answer.headers.get("Content-Disposition"))?.[1] ?? "note.wav");
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
