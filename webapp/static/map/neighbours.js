// Where sounds that are no points of the map lie on it: among the points that sound most like them.
/** @import { Sound } from "../document/types.js" */

import { instrumentWeights } from "../document/sound.js";
import { bareText } from "./atlas.js";

const COUNT = 4; // points that one lies among
const LEAST_WEIGHT = 0.1; // of an instrument whose points it may lie among

/**
 * What was measured of a sound at the map's key, in the order of the atlas's descriptors.
 * @param {Sound} sound
 */
export async function measured(studio, atlas, sound) {
  const answer = await studio.askBody("measures", { sounds: [sound], pitch: atlas.pitch });
  const [values] = (await answer.json()).values;
  const names = studio.model.descriptors.map(({ name }) => name);
  return atlas.descriptors.map(({ name }) => values[names.indexOf(name)]);
}

/**
 * Points with their shares, which sum to 1: those that a sound is most like, all of the instrument that the nearest is of, so
 * that they lie together.
 * @param {ArrayLike<number>} unlike  of each point, see character.js
 * @param {import("../document/types.js").Weights} weights  of the instruments that it may lie among; none for all
 * @param {import("./atlas.js").Atlas} atlas
 * @returns {[number, number][]}
 */
export function pointsAround(unlike, weights, atlas) {
  const most = Math.max(0, ...Object.values(weights));
  const may = new Set(
    atlas.names.flatMap((name, owner) => ((weights[name] ?? 0) >= LEAST_WEIGHT * most ? [owner] : [])),
  );
  const nearest = Array.from(atlas.owners.keys())
    .filter((point) => !most || may.has(atlas.owners[point]))
    .sort((one, other) => unlike[one] - unlike[other]);
  const together = nearest.filter((point) => atlas.owners[point] === atlas.owners[nearest[0]]).slice(0, COUNT);
  const pulls = together.map((point) => 1 / Math.max(1e-6, unlike[point]));
  const whole = pulls.reduce((sum, pull) => sum + pull, 0);
  return together.map((point, at) => [point, pulls[at] / whole]);
}

/**
 * Finds the places of sounds that are known by their numbers alone, and keeps them in `atlas.near`. found() when there is a
 * new one. Returns look(sounds).
 */
export function createNeighbours({ studio, atlas, character, found }) {
  const asked = new Set(); // texts
  let waiting = Promise.resolve();

  async function find(sound, text) {
    try {
      const unlike = character.unlikeness(await measured(studio, atlas, sound));
      // By model every instrument has its place, and so has what is made of it; by ear only what is heard counts.
      atlas.near.set(text, {
        latent: pointsAround(unlike, instrumentWeights(sound), atlas),
        sound: pointsAround(unlike, {}, atlas),
      });
      found();
    } catch {
      asked.delete(text); // it has no place for now
    }
  }

  /** @param {Sound[]} sounds */
  return function look(sounds) {
    for (const sound of sounds.flatMap(numbered)) {
      const text = bareText(sound);
      if (asked.has(text)) continue;
      asked.add(text);
      waiting = waiting.then(() => find({ ...sound, sliders: {}, raw: {} }, text)); // one after the other: hands go first
    }
  };
}

// The sounds known by their numbers alone that a sound is made of.
const numbered = (sound) =>
  (sound.morph ?? sound.blend?.map(([part]) => part))?.flatMap(numbered) ?? (sound.z === undefined ? [] : [sound]);
