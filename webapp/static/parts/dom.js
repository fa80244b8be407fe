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
  const box = h("input", {
    type: "checkbox",
    role: "switch",
    onchange: () => onchange(box.checked),
    onkeydown: (event) => event.key === "Enter" && !event.repeat && box.click(), // the space bar is the pedal
  });
  return { box, element: h("label", { class: "switch", title }, box, h("span", {}), label) };
}

const LEAST_MS = 2500; // a message stays so long before the next takes its place
const OFFER_MS = 20000;
const readingMs = (sentence) => Math.min(9000, 2500 + 55 * sentence.length);

let shelf = null;
let shown = null; // {sentence, element, timer, since}
const waiting = []; // {sentence, offer}

/**
 * A message in the top line, where nothing is done; it leaves by itself (or at a click) and is read aloud. One is shown at a
 * time, and no sentence twice in a row.
 * @param {string} sentence
 * @param {{title: string, act: () => void} | null} [offer]  what one may want to do about it, as a button
 */
export function toast(sentence, offer = null) {
  if (!shelf?.isConnected) {
    shelf = h("div", { class: "toasts", role: "status", "aria-live": "polite" });
    document.body.append(shelf);
  }
  if (shown?.sentence === sentence) leave();
  if (waiting.some((other) => other.sentence === sentence)) return;
  waiting.push({ sentence, offer });
  if (!shown) next();
  else stay(Math.max(0, shown.since + LEAST_MS - performance.now()));
}

function leave() {
  clearTimeout(shown?.timer);
  shown?.element.remove();
  shown = null;
}

function stay(ms) {
  clearTimeout(shown.timer);
  shown.timer = setTimeout(next, ms);
}

function next() {
  leave();
  if (!waiting.length) return;
  const { sentence, offer } = waiting.shift();
  const button = offer && h("button", { class: "offer", onclick: () => (next(), offer.act()) }, offer.title);
  const close = h("button", { class: "plain", "aria-label": "Dismiss", onclick: next }, "×");
  const element = h("div", { class: "toast" }, h("span", {}, sentence), button, close);
  shown = { sentence, element, timer: null, since: performance.now() };
  shelf.append(element);
  stay(waiting.length ? LEAST_MS : offer ? OFFER_MS : readingMs(sentence));
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
