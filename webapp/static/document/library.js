// The library: favourites, the pack's basket and the history of what was heard. They lie beside projects, so that opening
// one never touches them, and all tabs share them. What is kept is a shelf of records by key; a change of it is a list of
// records before and after, so that changes of several tabs merge record by record, and each can be taken back.
/** @import { Item, KeptChange, KeptRecord, Library, ListName, Model, Patch, Shelf } from "./types.js" */

import { checkedItem, knownSound } from "./checked.js";
import { clamp } from "./numbers.js";
import { plainPatch } from "./project.js";
import { soundText } from "./sound.js";

export const FORMAT = 1;
/** @type {ListName[]} */
export const LISTS = ["favourites", "basket", "heard"];
export const MOST_HEARD = 60;
const MOST_KEPT = 2000; // favourites, and sounds in the basket

/** @type {(record: {list: ListName, item: {id: string}}) => string} */
export const keyOf = ({ list, item }) => `${list} ${item.id}`;

/** @type {(shelf: Shelf, list: ListName) => KeptRecord[]} */
const recordsOf = (shelf, list) =>
  [...shelf.values()]
    .filter((record) => record.list === list)
    .sort((one, other) => one.place - other.place || (one.item.id < other.item.id ? -1 : 1));

/**
 * The items of a list in their order; of those heard the newest first.
 * @param {Shelf} shelf
 * @param {ListName} list
 * @returns {Item[]}
 */
export function itemsOf(shelf, list) {
  const items = recordsOf(shelf, list).map(({ item }) => item);
  return list === "heard" ? items.reverse() : items;
}

/**
 * The shelf after a change, or, with "before", as it was.
 * @param {Shelf} shelf
 * @param {KeptChange} change
 * @param {"before" | "after"} [side]
 * @returns {Shelf}
 */
export function changedShelf(shelf, change, side = "after") {
  const next = new Map(shelf);
  for (const one of change) {
    if (one[side]) next.set(one.key, one[side]);
    else next.delete(one.key);
  }
  return next;
}

/** @type {(before: KeptRecord | null, after: KeptRecord | null) => KeptChange[number]} */
const changeOf = (before, after) => ({ key: keyOf(after ?? before), before, after });

/**
 * Items put at the end of a list, each once.
 * @param {Shelf} shelf
 * @param {ListName} list
 * @param {any[]} items  unchecked
 * @param {Model} model
 * @param {number} now  milliseconds
 * @returns {KeptChange}
 */
export function keeping(shelf, list, items, model, now) {
  const there = recordsOf(shelf, list);
  const known = new Set(there.map(({ item }) => item.id));
  let place = Math.max(now, (there.at(-1)?.place ?? 0) + 1);
  const change = [];
  for (const given of items.slice(0, MOST_KEPT)) {
    const item = checkedItem(given, model);
    if (!item || known.has(item.id) || known.size >= MOST_KEPT) continue;
    known.add(item.id);
    change.push(changeOf(null, { model: model.id, list, place: place++, item }));
  }
  return change;
}

/**
 * @param {Shelf} shelf
 * @param {ListName} list
 * @param {string[]} ids
 * @returns {KeptChange}
 */
export function forgetting(shelf, list, ids) {
  const records = ids.map((id) => shelf.get(keyOf({ list, item: { id } })));
  return records.filter(Boolean).map((record) => changeOf(record, null));
}

/**
 * @param {Shelf} shelf
 * @param {ListName} list
 * @param {string} id
 * @param {Partial<Item>} change
 * @param {Model} model
 * @returns {KeptChange}
 */
export function renaming(shelf, list, id, change, model) {
  const record = shelf.get(keyOf({ list, item: { id } }));
  const item = record && checkedItem({ ...record.item, ...change }, model);
  return item ? [changeOf(record, { ...record, item })] : [];
}

/**
 * Item `id` to the place `to` of its list. Where there is no room between its new neighbours all are numbered anew.
 * @param {Shelf} shelf
 * @param {ListName} list
 * @param {string} id
 * @param {number} to
 * @returns {KeptChange}
 */
export function moving(shelf, list, id, to) {
  const there = recordsOf(shelf, list);
  const from = there.findIndex(({ item }) => item.id === id);
  const goal = clamp(to, 0, there.length - 1);
  if (from < 0 || !Number.isInteger(to) || goal === from) return [];
  const others = there.toSpliced(from, 1);
  const [below, above] = [others[goal - 1]?.place, others[goal]?.place];
  const place = below === undefined ? above - 1 : above === undefined ? below + 1 : (below + above) / 2;
  if (place !== below && place !== above) return [changeOf(there[from], { ...there[from], place })];
  const first = there[0].place;
  return others.toSpliced(goal, 0, there[from]).map((record, at) => changeOf(record, { ...record, place: first + at }));
}

/**
 * A sound was heard: it stands first; one that was there moves up, and keeps the name it has if the new one has none. The
 * oldest fall off.
 * @param {Shelf} shelf
 * @param {Item} item
 * @param {Model} model
 * @param {number} now  milliseconds
 * @returns {KeptChange}
 */
export function hearing(shelf, item, model, now, most = MOST_HEARD) {
  const there = recordsOf(shelf, "heard");
  const text = soundText(item.sound);
  const before = there.find((record) => soundText(record.item.sound) === text) ?? null;
  const newest = before ? { ...before.item, note: item.note, name: item.name || before.item.name } : item;
  const place = Math.max(now, (there.at(-1)?.place ?? 0) + 1);
  const old = there.filter((record) => record !== before).slice(0, Math.max(0, there.length + (before ? 0 : 1) - most));
  return [
    changeOf(before, { model: model.id, list: "heard", place, item: newest }),
    ...old.map((record) => changeOf(record, null)),
  ];
}

/**
 * What a change did to the lists, as a word for the button that takes it back.
 * @param {KeptChange} change
 */
export function nameChange([{ before, after }]) {
  return { favourites: "favourites", basket: "pack basket", heard: "history" }[(after ?? before).list];
}

/**
 * A sound in the basket keeps the envelope that it was played with, where that does anything.
 * @param {Item} item
 * @param {Patch} patch
 * @param {Model} model
 * @returns {Item}
 */
export function asPlayed(item, patch, model) {
  const shape = item.patch ?? patch;
  return JSON.stringify(shape) === JSON.stringify(plainPatch(model)) ? item : { ...item, patch: { ...shape } };
}

/**
 * The library as the text of a file.
 * @param {Shelf} shelf
 * @param {Model} model
 */
export function libraryText(shelf, model) {
  const lists = Object.fromEntries(LISTS.map((list) => [list, itemsOf(shelf, list)]));
  return JSON.stringify({ format: FORMAT, kind: "library", model: model.id, ...lists }, null, 1);
}

/**
 * Lists that a file or an older page held: the items that the model can play, and how many it cannot.
 * @param {any} lists  {favourites, basket, heard}, unchecked
 * @param {Model} model
 * @returns {{kept: Library, lost: number}}
 */
export function readLists(lists, model) {
  let lost = 0;
  const read = (list) => {
    const items = Array.isArray(lists?.[list]) ? lists[list] : [];
    return items.flatMap((item) => {
      const good = checkedItem({ ...item, sound: knownSound(item?.sound, model) }, model);
      if (good) return [good];
      lost++;
      return [];
    });
  };
  return { kept: { favourites: read("favourites"), basket: read("basket"), heard: read("heard") }, lost };
}

/**
 * The library in a file's text.
 * @param {string} text
 * @param {Model} model
 * @returns {{kept: Library, lost: number} | {complaint: string} | null}  null where it is something else
 */
export function readLibrary(text, model) {
  let saved;
  try {
    saved = JSON.parse(text);
  } catch {
    return null;
  }
  if (saved?.kind !== "library") return null;
  if (!Number.isInteger(saved.format) || saved.format < 1) return { complaint: "This library could not be read." };
  if (saved.format > FORMAT) return { complaint: "This library was saved by a newer version of the studio." };
  if (saved.model !== model.id)
    return {
      complaint: `This library belongs to the model '${String(saved.model).slice(0, 60)}', not to '${model.id}'.`,
    };
  return readLists(saved, model);
}

/**
 * Lists added to the shelf: what is there, by its sound, stays as it is. Those heard lie behind what was heard here.
 * @param {Shelf} shelf
 * @param {Library} lists
 * @param {Model} model
 * @param {number} now  milliseconds
 * @returns {KeptChange}
 */
export function adding(shelf, lists, model, now) {
  return LISTS.flatMap((list) => {
    const there = itemsOf(shelf, list);
    const texts = new Set(there.map(({ sound }) => soundText(sound)));
    const ids = new Set(there.map(({ id }) => id));
    const fresh = lists[list]
      .filter(({ sound }) => !texts.has(soundText(sound)))
      .map((item) => (ids.has(item.id) ? { ...item, id: `${item.id}-${now.toString(36)}` } : item));
    if (list !== "heard") return keeping(shelf, list, fresh, model, now);
    const oldest = there.length ? shelf.get(keyOf({ list, item: there.at(-1) })).place : now;
    return fresh
      .slice(0, Math.max(0, MOST_HEARD - there.length))
      .map((item, at) => changeOf(null, { model: model.id, list, place: oldest - 1 - at, item }));
  });
}
