// Generations of sounds: variations of one, and what lies between two.

import { titleOf } from "../../document/sound.js";
import { childName, childrenOf, COUNT, variationName, variationsOf } from "../../document/variations.js";
import { nameOnBench } from "../../parts/keeping.js";
import { settled } from "../slots.js";

/**
 * @typedef {{sound: import("../../document/types.js").Sound, name: string}} Tile
 * @typedef {{tiles: Tile[], parents: number[]}} Generation `parents` are places among the tiles
 */

const MIDDLE = COUNT / 2; // place of the parent among its variations, row by row

const named = (sounds, nameOf) => sounds.map((sound, index) => ({ sound, name: nameOf(index + 1) }));

/**
 * Variations of the sound that plays now; `amount` is how far they lie from it.
 * @returns {Promise<Generation>}
 */
export async function variationsHere(studio, amount) {
  const { model, sound } = studio;
  const name = nameOnBench(studio) ?? titleOf(sound, model);
  const around = named(variationsOf(await settled(studio, sound), amount, model), (number) =>
    variationName(name, number),
  );
  // The parent as it is on the bench: a click on it leads back to exactly that.
  return { tiles: around.toSpliced(MIDDLE, 0, { sound, name }), parents: [MIDDLE] };
}

/**
 * Sounds between two tiles; `amount` is how far they lie from the straight way.
 * @param {Tile} mother
 * @param {Tile} father
 * @returns {Promise<Generation>}
 */
export async function bred(studio, mother, father, amount) {
  const [one, other] = await Promise.all([settled(studio, mother.sound), settled(studio, father.sound)]);
  const children = named(childrenOf(one, other, amount, studio.model), (number) =>
    childName(mother.name, father.name, number),
  );
  return { tiles: [mother, ...children, father], parents: [0, COUNT + 1] };
}
