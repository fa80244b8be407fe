// Sounds near another: a step towards some other sound of the same instruments (`at` of a morph), and one along the
// model's directions, as the sounds of some instruments are much alike.
/** @import { Model, Sound } from "./types.js" */

import { instrumentWeights } from "./sound.js";

export const COUNT = 8;
const SEEDS = 100000;
const MOST_INSTRUMENTS = 16;
const LEAST_WEIGHT = 0.005;
const SLIDER_REACH = 2.5; // standard deviations along a direction, typically, at an amount of 1
const OF_CHILDREN = 0.4; // children have two sounds to differ by already

/**
 * A seed's sound of the instruments that are heard in `sound`.
 * @param {Sound} sound
 * @param {() => number} random
 * @returns {Sound}
 */
function relative(sound, random) {
  const weights = Object.entries(instrumentWeights(sound)).filter(([, weight]) => weight >= LEAST_WEIGHT);
  const largest = weights.sort((a, b) => b[1] - a[1]).slice(0, MOST_INSTRUMENTS);
  const instruments = Object.fromEntries(
    largest.map(([name, weight]) => [name, Math.min(1, Math.round(weight * 1000) / 1000)]),
  );
  return { instruments, seed: Math.floor(random() * SEEDS) };
}

/**
 * @param {Sound} sound
 * @param {number} amount
 * @param {Model} model
 * @param {() => number} random
 * @returns {Sound}
 */
function varied(sound, amount, model, random) {
  const reach = amount * SLIDER_REACH;
  const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  const offered = model.directions.filter(({ kind }) => kind !== "former");
  /** @type {[string, number][]} */
  const steps = offered.map(({ name }) => [name, Math.max(-2 * reach, Math.min(2 * reach, reach * normal()))]);
  const sliders = Object.fromEntries(steps.map(([name, step]) => [name, Math.round(step * 100) / 100]));
  return { morph: [sound, relative(sound, random)], at: amount, sliders };
}

/**
 * COUNT sounds around `parent`.
 * @param {Sound} parent
 * @param {number} amount  how far they lie from it, 0 to 0.6
 * @param {Model} model
 */
export function variationsOf(parent, amount, model, random = Math.random) {
  return Array.from({ length: COUNT }, () => varied(parent, amount, model, random));
}

/**
 * COUNT sounds between two, from the one to the other, each a little beside the way.
 * @param {Sound} mother
 * @param {Sound} father
 * @param {number} amount
 * @param {Model} model
 */
export function childrenOf(mother, father, amount, model, random = Math.random) {
  return Array.from({ length: COUNT }, (_, index) =>
    varied(
      { morph: [mother, father], at: Math.round(((index + 1) / (COUNT + 1)) * 1e4) / 1e4 },
      amount * OF_CHILDREN,
      model,
      random,
    ),
  );
}

const LONGEST_WAY = 4; // variations of variations that a name tells of

// A name and the way from variation to variation that led to it: "Cello · varied 3.5" is "Cello" and ["3", "5"].
function parsed(name) {
  const [, base, way] = /^(.*?)(?: · varied ([\d.]+))?$/.exec(name.replace(/( ~\d+)+$/, "")); // "~3" is of older pages
  return { base, way: way ? way.split(".") : [] };
}

/**
 * "Cello" and 3: "Cello · varied 3"; of that again 5: "Cello · varied 3.5".
 * @param {string} name
 * @param {number} number
 */
export function variationName(name, number) {
  const { base, way } = parsed(name);
  return `${base} · varied ${[...way, number].slice(-LONGEST_WAY).join(".")}`;
}

/**
 * "Cello · varied 2" with "Cello · varied 7" and 4: "Cello · child 4 of 2 × 7"; "Cello" with "Oboe": "Cello × Oboe · child 4".
 * @param {string} mother
 * @param {string} father
 * @param {number} number
 */
export function childName(mother, father, number) {
  const [one, other] = [parsed(mother), parsed(father)];
  if (one.base !== other.base) return `${mother} × ${father} · child ${number}`;
  const [left, right] = [one, other].map(({ way }) => way.join(".") || "original");
  return `${one.base} · child ${number} of ${left} × ${right}`;
}
