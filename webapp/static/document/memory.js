// What is kept of sounds beside the bench: items, and the history of what was heard.
/** @import { Item, Model, Sound } from "./types.js" */

import { canonical, soundText } from "./sound.js";
import { checkedItem, knownSound } from "./checked.js";
import { storedList } from "./stored.js";

export const MOST_HEARD = 60;

let made = 0;

/**
 * A sound as a list of the project keeps it.
 * @param {Sound} sound
 * @param {string} name
 * @param {number} note
 * @param {string[]} [tags]
 * @returns {Item}
 */
export function itemOf(sound, name, note, tags = []) {
  const id = `${Date.now().toString(36)}-${(made++).toString(36)}-${Math.floor(Math.random() * 1e9).toString(36)}`;
  return { id, name, tags, sound: canonical(sound), note };
}

/** Items by the text of their sound, of each list. @type {WeakMap<Item[], Map<string, Item>>} */
const indexes = new WeakMap();

/**
 * The item of `list` that holds this very sound; undefined if there is none.
 * @param {Item[]} list
 * @param {string} text  of the sound
 */
export function itemWith(list, text) {
  if (!indexes.has(list)) indexes.set(list, new Map(list.map((item) => [soundText(item.sound), item])));
  return indexes.get(list).get(text);
}

/**
 * "warm, Pad , warm" -> ["warm", "Pad"]
 * @param {string} text
 * @returns {string[]}
 */
export function tagsOf(text) {
  const seen = new Map();
  for (const tag of text
    .split(",")
    .map((part) => part.trim().slice(0, 40))
    .filter(Boolean)) {
    if (!seen.has(tag.toLowerCase())) seen.set(tag.toLowerCase(), tag);
  }
  return [...seen.values()];
}

/**
 * The items in which each word of the query begins a word of the name or of a tag; newest first.
 * @param {Item[]} items
 * @param {string} query
 */
export function filterItems(items, query) {
  const words = (text) =>
    text
      .toLowerCase()
      .split(/[\s,]+/)
      .filter(Boolean);
  const typed = words(query);
  const fits = ({ name, tags }) => {
    const there = words([name, ...tags].join(" "));
    return typed.every((part) => there.some((word) => word.startsWith(part)));
  };
  return items.filter(fits).toReversed();
}

/**
 * The history with `item` at its head: a sound that was there already moves up, and keeps the name it has if the new one
 * has none.
 * @param {Item[]} heard
 * @param {Item} item
 */
export function remember(heard, item, most = MOST_HEARD) {
  const text = soundText(item.sound);
  const before = itemWith(heard, text);
  const newest = before ? { ...before, note: item.note, name: item.name || before.name } : item;
  return [newest, ...heard.filter((one) => one !== before)].slice(0, most);
}

/**
 * A history as it was stored, without what this model cannot play.
 * @param {string | null} text
 * @param {Model} model
 * @returns {Item[]}
 */
export function recall(text, model) {
  const known = (item) => checkedItem({ ...item, sound: knownSound(item?.sound, model) }, model);
  const good = storedList(text).map(known).filter(Boolean);
  return good.slice(0, MOST_HEARD);
}
