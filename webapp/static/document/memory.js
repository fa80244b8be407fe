// Kept sounds: how one is made, found and tagged.
/** @import { Item, Sound } from "./types.js" */

import { canonical, soundText } from "./sound.js";

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
 * The items in which each word of the query begins a word of the name, of a tag, or of what `about` tells of the item.
 * @param {Item[]} items
 * @param {string} query
 * @param {(item: Item) => string} [about]
 */
export function filterItems(items, query, about = () => "") {
  const words = (text) =>
    text
      .toLowerCase()
      .split(/[\s,]+/)
      .filter(Boolean);
  const typed = words(query);
  if (!typed.length) return items;
  return items.filter((item) => {
    const there = words([item.name, ...item.tags, about(item)].join(" "));
    return typed.every((part) => there.some((word) => word.startsWith(part)));
  });
}

/**
 * The tags of all items, the most used first.
 * @param {Item[]} items
 * @returns {string[]}
 */
export function allTags(items) {
  const uses = new Map();
  for (const tag of items.flatMap(({ tags }) => tags)) uses.set(tag, (uses.get(tag) ?? 0) + 1);
  return [...uses].sort((one, other) => other[1] - one[1] || one[0].localeCompare(other[0])).map(([tag]) => tag);
}
