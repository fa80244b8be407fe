// Sounds that are kept: starring them, and what the one that plays is called.

import { itemOf, itemWith } from "../document/memory.js";
import { target, titleOfMix } from "../document/project.js";
import { soundText, titleOf } from "../document/sound.js";
import { toast } from "./dom.js";
import { originalOf } from "./originals.js";

// Keeps `sound` in the favourites (an own one with the recording that it was made of), or lets it go if it is there; tells which.
export function toggleFavourite(studio, sound, name, note) {
  const known = itemWith(studio.library.favourites, soundText(sound));
  if (known) studio.library.forget("favourites", [known.id]);
  else {
    const original = originalOf(sound);
    const item = itemOf(sound, name ?? titleOf(sound, studio.model), note);
    studio.library.keep("favourites", [original ? { ...item, original } : item]);
  }
  return !known;
}

// Puts an item, called `name`, into the pack's basket, unless its sound is there.
export function toBasket(studio, item, name) {
  if (itemWith(studio.library.basket, soundText(item.sound))) return toast(`${name} is already in the pack basket.`);
  studio.library.keep("basket", [itemOf(item.sound, name, item.note, item.tags)], studio.project.patch);
  toast(`${name} is in the pack basket.`);
}

// What the sound on the bench is called: the name of its slot, or of the favourite that it is, or of what it lies between,
// where that has one; or null.
export function nameOnBench(studio, text = studio.soundText) {
  const { project, model } = studio;
  const slot = Object.values(project.slots).find(({ sound, name }) => name && soundText(sound) === text);
  const known = slot?.name ?? itemWith(studio.library.favourites, text)?.name;
  if (known) return known;
  const isBetween = text === studio.soundText && target(project) === "mix" && project.morph.mode === "line";
  return isBetween && (project.slots.a.name || project.slots.b.name) ? titleOfMix(project, model) : null;
}
