// A list of kept sounds with thumbnails: pointing or arrow keys let one hear them, a click puts one into A, with Shift into B.

import { carries } from "./dragdrop.js";
import { h, toast } from "./dom.js";
import { icon } from "./icons.js";
import { itemOf, itemWith, tagsOf } from "../document/memory.js";
import { instrumentOf, leadingInstrument, soundText, titleOf } from "../document/sound.js";
import { thumb } from "./thumbs.js";

const DWELL_MS = 70; // a pointer on its way across the list is not asking to hear it all

// Keeps `sound` in the favourites, or lets it go if it is there; tells which.
export function toggleFavourite(studio, sound, name, note) {
  const known = itemWith(studio.project.favourites, soundText(sound));
  if (known) studio.dispatch({ type: "forget", list: "favourites", id: known.id });
  else
    studio.dispatch({
      type: "keep",
      list: "favourites",
      item: itemOf(sound, name ?? titleOf(sound, studio.model), note),
    });
  return !known;
}

// What the sound on the bench is called: the name of its slot, or of the favourite that it is, or null.
export function nameOnBench(studio, text = studio.soundText) {
  const slot = Object.values(studio.project.slots).find(({ sound, name }) => name && soundText(sound) === text);
  return slot?.name ?? itemWith(studio.project.favourites, text)?.name ?? null;
}

// `remove(item)` takes an item off the list; `editable` rows, of the project's list `from`, can be renamed and tagged, and
// with `movable` put into another order. Returns {element, draw(items)}.
export function soundList(studio, { label, remove, editable = false, from = "favourites", movable = false }) {
  const { model } = studio;
  const rows = new Map(); // id -> {item, element, pick, star}
  let editing = null;
  let dwell = null;
  const element = h("ul", { class: "sounds", "aria-label": label, onkeydown: walk, onpointerleave: leave });

  const titled = (item) => item.name || titleOf(item.sound, model);
  const put = (item, slot) => studio.dispatch({ type: "put", slot, sound: item.sound, name: item.name || null });
  const act = (text, name, onclick) =>
    h("button", { class: "act", "aria-label": text, title: text, tabindex: "-1", onclick }, icon(name));

  function toBasket(item) {
    const name = titled(item);
    if (itemWith(studio.project.basket, soundText(item.sound))) return toast(`${name} is in the pack basket already.`);
    studio.dispatch({ type: "keep", list: "basket", item: itemOf(item.sound, name, item.note, item.tags) });
    toast(`${name} is in the pack basket.`);
  }

  // The focus stays with the sound that moves.
  function shift(item, by) {
    const focused = rows.get(item.id)?.element.contains(document.activeElement) ? document.activeElement : null;
    studio.dispatch({ type: "move", list: from, id: item.id, to: shown.indexOf(item) + by });
    if (focused?.isConnected) focused.focus();
  }

  function leave() {
    clearTimeout(dwell);
    studio.hush();
  }

  function point(event, item) {
    clearTimeout(dwell);
    if (event.pointerType !== "touch" && studio.project.audition)
      dwell = setTimeout(() => studio.listen(item.sound), DWELL_MS);
  }

  function build(item) {
    const instrument = instrumentOf(leadingInstrument(item.sound), model);
    const name = titled(item);
    const about = item.tags.length
      ? item.tags.map((tag) => h("span", { class: "tag" }, tag))
      : [instrument?.family.title ?? model.title];
    const pick = h(
      "button",
      {
        class: "pick",
        tabindex: "-1",
        title: `${name}: click for A, Shift-click for B`,
        onclick: (event) => put(item, event.shiftKey ? "b" : "a"),
        onpointerenter: (event) => point(event, item),
      },
      thumb(studio, item.sound, item.note),
      h(
        "span",
        { class: "words" },
        h("strong", {}, name),
        h("span", { class: "about" }, ...about, h("span", { class: "key-name" }, studio.pitchName(item.note) ?? "")),
      ),
    );
    const star = editable
      ? null
      : act("Keep as favourite", "star", () => toggleFavourite(studio, item.sound, name, item.note));
    star?.classList.add("star");
    const row = h(
      "li",
      { "data-id": item.id },
      pick,
      h(
        "div",
        { class: "acts" },
        h(
          "button",
          {
            class: "act letter",
            "aria-label": `Put ${name} into B`,
            title: "Into B",
            tabindex: "-1",
            onclick: () => put(item, "b"),
          },
          "B",
        ),
        star,
        movable
          ? act(`Move ${name} up`, "up", () => shift(item, -1))
          : act(`Send ${name} to the pack basket`, "basket", () => toBasket(item)),
        movable ? act(`Move ${name} down`, "down", () => shift(item, 1)) : null,
        editable ? act(`Rename or tag ${name}`, "pen", () => edit(item)) : null,
        act(`Delete ${name}`, "bin", () => drop(item)),
      ),
    );
    carries(row, () => ({ sound: item.sound, name: item.name || null }));
    return { item, element: row, pick, star };
  }

  function form(item) {
    const name = h("input", { type: "text", "aria-label": "Name", value: titled(item), maxlength: "120" });
    const tags = h("input", {
      type: "text",
      "aria-label": "Tags",
      value: item.tags.join(", "),
      placeholder: "tags, separated by commas",
    });
    const finish = (keep) => {
      editing = null;
      rows.delete(item.id);
      if (keep)
        studio.dispatch({
          type: "rename",
          list: from,
          id: item.id,
          change: { name: name.value.trim() || titled(item), tags: tagsOf(tags.value) },
        });
      draw(shown);
      rows.get(item.id)?.pick.focus();
    };
    const sheet = h(
      "form",
      {
        class: "edit",
        onsubmit: (event) => (event.preventDefault(), finish(true)),
        onkeydown: (event) => event.key === "Escape" && finish(false),
      },
      name,
      tags,
      h(
        "div",
        {},
        h("button", { class: "button strong" }, "Save"),
        h("button", { class: "button", type: "button", onclick: () => finish(false) }, "Cancel"),
      ),
    );
    return { item, element: h("li", { "data-id": item.id }, sheet), pick: name };
  }

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

  // Which row is what one hears, which are favourites, and which one Tab reaches.
  function mark() {
    const now = studio.soundText;
    for (const { item, element: row, star } of rows.values()) {
      const text = soundText(item.sound);
      if (text === now) row.setAttribute("aria-current", "true");
      else row.removeAttribute("aria-current");
      star?.setAttribute("aria-pressed", String(Boolean(itemWith(studio.project.favourites, text))));
    }
    const picks = shown.map(({ id }) => rows.get(id)).filter(({ pick }) => pick.matches(".pick"));
    const reached =
      picks.find((row) => row.element.contains(document.activeElement)) ??
      picks.find((row) => row.element.hasAttribute("aria-current")) ??
      picks[0];
    for (const row of picks) row.pick.tabIndex = row === reached ? 0 : -1;
  }

  return { element, draw, mark };
}
