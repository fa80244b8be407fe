// A list of kept sounds with thumbnails: pointing or arrow keys let one hear them, a click puts one into A, with Shift into B.

import { h } from "./dom.js";
import { itemWith } from "../document/memory.js";
import { soundText, titleOf } from "../document/sound.js";
import { toBasket, toggleFavourite } from "./keeping.js";
import { createForm, createRow } from "./soundrow.js";
import { createTaps } from "./taps.js";

const DWELL_MS = 70; // a pointer on its way across the list is not asking to hear it all

// `remove(item)` takes an item off the list; `editable` rows, of the library's list `from`, can be renamed and tagged, and
// with `movable` put into another order. Returns {element, draw(items)}.
export function soundList(studio, { label, remove, editable = false, from = "favourites", movable = false }) {
  const { model } = studio;
  const rows = new Map(); // id -> {item, element, pick, star}
  let editing = null;
  const pointing = createPointing(studio);
  const taps = createTaps(studio);
  const element = h("ul", { class: "sounds", "aria-label": label, onkeydown: walk, onpointerleave: pointing.leave });

  const titled = (item) => item.name || titleOf(item.sound, model);
  const put = (item, slot) => studio.dispatch({ type: "put", slot, sound: item.sound, name: item.name || null });
  // The focus stays with the sound that moves.
  function shift(item, by) {
    const { activeElement: focused } = document;
    const isInRow = rows.get(item.id)?.element.contains(focused);
    studio.library.move(from, item.id, shown.indexOf(item) + by);
    if (isInRow && focused instanceof HTMLElement && focused.isConnected) focused.focus();
  }

  const build = (item) =>
    createRow(studio, item, titled(item), {
      put: (slot) => put(item, slot),
      taps,
      point: (event) => pointing.point(event, item),
      drop: () => drop(item),
      star: editable ? null : () => toggleFavourite(studio, item.sound, titled(item), item.note),
      toBasket: movable ? null : () => toBasket(studio, item, titled(item)),
      shift: movable ? (by) => shift(item, by) : null,
      edit: editable ? () => edit(item) : null,
    });

  const form = (item) =>
    createForm(item, titled(item), (change) => {
      editing = null;
      rows.delete(item.id);
      if (change) studio.library.rename(from, item.id, change);
      draw(shown);
      rows.get(item.id)?.pick.focus();
    });

  function edit(item) {
    const before = editing;
    editing = item.id;
    rows.delete(item.id);
    if (before) rows.delete(before);
    draw(shown);
    rows.get(item.id)?.pick.select();
  }

  // The row below (or the last one) takes over the focus, so that one can go on with the keyboard.
  function drop(item) {
    const at = shown.indexOf(item);
    const focused = rows.get(item.id)?.element.contains(document.activeElement);
    remove(item);
    if (focused) focusRow(Math.min(at, shown.length - 1));
  }

  function focusRow(at) {
    const row = rows.get(shown[at]?.id);
    if (!row) return;
    row.pick.focus();
    mark();
    row.element.scrollIntoView({ block: "nearest" });
  }

  function walk(event) {
    const id = event.target.closest?.("li")?.dataset.id;
    const at = shown.findIndex((item) => item.id === id);
    if (at < 0 || event.target.closest("form")) return;
    const by = { ArrowDown: 1, ArrowUp: -1, PageDown: 8, PageUp: -8 }[event.key];
    const sideways = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (by && event.altKey && movable) shift(shown[at], Math.sign(by));
    else if (by) {
      const next = Math.max(0, Math.min(shown.length - 1, at + by));
      focusRow(next);
      studio.listen(shown[next].sound);
    } else if (sideways) {
      const buttons = [...rows.get(id).element.querySelectorAll("button")];
      buttons[(buttons.indexOf(document.activeElement) + sideways + buttons.length) % buttons.length].focus();
    } else if (event.key === "Enter" && event.shiftKey && event.target.matches(".pick")) put(shown[at], "b");
    else if (event.key === "Delete" || event.key === "Backspace") drop(shown[at]);
    else if (event.key === "F2" && editable) edit(shown[at]);
    else return;
    event.preventDefault();
  }

  let shown = [];
  function draw(items) {
    shown = items;
    const ids = new Set(items.map(({ id }) => id));
    for (const id of rows.keys()) if (!ids.has(id)) rows.delete(id);
    for (const item of items) {
      const row = rows.get(item.id);
      if (!row || (row.item !== item && item.id !== editing))
        rows.set(item.id, item.id === editing ? form(item) : build(item));
    }
    const elements = items.map(({ id }) => rows.get(id).element);
    if (elements.length !== element.children.length || elements.some((row, at) => row !== element.children[at])) {
      const focused = document.activeElement?.closest?.("li");
      element.replaceChildren(...elements);
      if (focused && element.contains(focused)) rows.get(focused.dataset.id)?.pick.focus();
    }
    mark();
  }

  const mark = () => markRows(studio, rows, shown);

  return { element, draw, mark };
}

// Lets a sound be heard when the pointer stays on its row. Rows that move under a pointer at rest, as in the history,
// are not pointed at.
function createPointing(studio) {
  let dwell = null;
  let pointed = null; // where the pointer was
  return {
    point(event, { sound }) {
      const place = `${event.screenX} ${event.screenY}`;
      if (place === pointed) return;
      pointed = place;
      clearTimeout(dwell);
      if (event.pointerType !== "touch" && studio.project.audition)
        dwell = setTimeout(() => studio.listen(sound), DWELL_MS);
    },
    leave() {
      clearTimeout(dwell);
      studio.hush();
    },
  };
}

// Which row is what one hears, which are favourites, and which one Tab reaches.
function markRows(studio, rows, shown) {
  const now = studio.soundText;
  for (const { item, element, star } of rows.values()) {
    const text = soundText(item.sound);
    if (text === now) element.setAttribute("aria-current", "true");
    else element.removeAttribute("aria-current");
    star?.setAttribute("aria-pressed", String(Boolean(itemWith(studio.library.favourites, text))));
  }
  const picks = shown.map(({ id }) => rows.get(id)).filter(({ pick }) => pick.matches(".pick"));
  const reached =
    picks.find((row) => row.element.contains(document.activeElement)) ??
    picks.find((row) => row.element.hasAttribute("aria-current")) ??
    picks[0];
  for (const row of picks) row.pick.tabIndex = row === reached ? 0 : -1;
}
