// Sounds that are kept: starring them, and what the one that plays is called.

import { itemOf, itemWith } from "../document/memory.js";
import { soundText, titleOf } from "../document/sound.js";
import { toast } from "./dom.js";

// Keeps `sound` in the favourites, or lets it go if it is there; tells which.
export function toggleFavourite(studio, sound, name, note) {
  const known = itemWith(studio.library.favourites, soundText(sound));
  if (known) studio.library.forget("favourites", [known.id]);
  else studio.library.keep("favourites", [itemOf(sound, name ?? titleOf(sound, studio.model), note)]);
  return !known;
}

// Puts an item, called `name`, into the pack's basket, unless its sound is there.
export function toBasket(studio, item, name) {
  if (itemWith(studio.library.basket, soundText(item.sound))) return toast(`${name} is already in the pack basket.`);
  studio.library.keep("basket", [itemOf(item.sound, name, item.note, item.tags)], studio.project.patch);
  toast(`${name} is in the pack basket.`);
}

// What the sound on the bench is called: the name of its slot, or of the favourite that it is, or null.
export function nameOnBench(studio, text = studio.soundText) {
  const slot = Object.values(studio.project.slots).find(({ sound, name }) => name && soundText(sound) === text);
  return slot?.name ?? itemWith(studio.library.favourites, text)?.name ?? null;
}
