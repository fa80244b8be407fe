// What is kept of sounds beside the bench: items {id, name, tags, sound, note} and the history of what was heard.

import { canonical, soundText } from "./sound.js";
import { checkedItem, knownSound } from "./store.js";

export const MOST_HEARD = 60;

let made = 0;

// A sound as a list of the project keeps it.
export function itemOf(sound, name, note, tags = []) {
  const id = `${Date.now().toString(36)}-${(made++).toString(36)}-${Math.floor(Math.random() * 1e9).toString(36)}`;
  return { id, name, tags, sound: canonical(sound), note };
}

const indexes = new WeakMap(); // list of items -> Map of sound text -> item

// The item of `list` that holds this very sound (its text); undefined if there is none.
export function itemWith(list, text) {
  if (!indexes.has(list)) indexes.set(list, new Map(list.map((item) => [soundText(item.sound), item])));
  return indexes.get(list).get(text);
}

// "warm, Pad , warm" -> ["warm", "Pad"]
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

// The items in which each word of the query begins a word of the name or of a tag; newest first.
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

// The history with `item` at its head: a sound that was there already moves up, and keeps the name it has if the new
// one has none.
export function remember(heard, item, most = MOST_HEARD) {
  const text = soundText(item.sound);
  const before = itemWith(heard, text);
  const newest = before ? { ...before, note: item.note, name: item.name || before.name } : item;
  return [newest, ...heard.filter((one) => one !== before)].slice(0, most);
}

// A history as it was stored, without what this model cannot play.
export function recall(text, model) {
  let stored;
  try {
    stored = JSON.parse(text);
  } catch {
    return [];
  }
  if (!Array.isArray(stored)) return [];
  const good = stored.map((item) => checkedItem({ ...item, sound: knownSound(item?.sound, model) })).filter(Boolean);
  return good.slice(0, MOST_HEARD);
}
