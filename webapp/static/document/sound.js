// Sound documents: what decides how a note sounds, as plain JSON. They nest, travel in URLs and in saved projects.
//
//   {instruments: {violin: 1}, seed: 7}        a seed's sound of an instrument, or of a mixture
//   {z: "<base64url float32>", instruments}    a point known by its numbers alone, with the imprint of an own sound
//   {morph: [sound, sound], at: 0.4}           on the way from one sound to another
//   {blend: [[sound, 0.7], [sound, 0.3]]}      the middle of several, weighted
//
// On top of each may lie `sliders` {name of a direction: amount} and `raw` {index of z: value}.
/** @import { Bends, Family, Instrument, Model, Sound, Weights } from "./types.js" */

export const SEED_LIMIT = 2 ** 31 - 1;
const DIGITS = 1e4; // finer steps are not heard, and would make every hair's breadth of a drag a sound of its own

const round = (value) => Math.round(value * DIGITS) / DIGITS;

/** @param {Bends} sound */
function bends(sound) {
  /** @type {Bends} */
  const part = {};
  for (const kind of ["sliders", "raw"]) {
    const entries = Object.entries(sound[kind] ?? {})
      .map(([name, amount]) => [name, round(amount)])
      .filter(([, amount]) => kind === "raw" || amount !== 0)
      .sort(([a], [b]) => (a < b ? -1 : 1));
    if (entries.length) part[kind] = Object.fromEntries(entries);
  }
  return part;
}

/** @type {(weights: Weights) => Weights} */
const inOrder = (weights) => Object.fromEntries(Object.entries(weights).sort(([a], [b]) => (a < b ? -1 : 1)));

/**
 * The same sound written in the one order and precision that its address uses; a morph that stands at an end is that end.
 * @param {Sound} sound
 * @returns {Sound}
 */
export function canonical(sound) {
  const bent = bends(sound);
  if (sound.morph) {
    const at = round(sound.at);
    const [from, to] = sound.morph.map(canonical);
    if (at <= 0 || JSON.stringify(from) === JSON.stringify(to)) return withBends(from, bent);
    if (at >= 1) return withBends(to, bent);
    return { morph: [from, to], at, ...bent };
  }
  if (sound.blend) return { blend: sound.blend.map(([part, weight]) => [canonical(part), round(weight)]), ...bent };
  if (sound.z !== undefined) {
    const imprint = sound.imprint === undefined ? {} : { imprint: sound.imprint };
    return { z: sound.z, instruments: inOrder(sound.instruments), ...imprint, ...bent };
  }
  return { instruments: inOrder(sound.instruments), seed: sound.seed, ...bent };
}

/**
 * @param {Sound} sound
 * @param {Bends} bent
 */
function withBends(sound, bent) {
  if (!Object.keys(bent).length) return sound;
  const sliders = { ...sound.sliders };
  for (const [name, amount] of Object.entries(bent.sliders ?? {})) sliders[name] = round((sliders[name] ?? 0) + amount);
  return { ...sound, ...bends({ sliders, raw: { ...sound.raw, ...bent.raw } }) };
}

/**
 * The text that stands for a sound in addresses and caches: equal text, equal sound.
 * @param {Sound} sound
 */
export const soundText = (sound) => JSON.stringify(canonical(sound));

/**
 * A sound, and those within it, without some of its sliders.
 * @param {Sound} sound
 * @param {string[]} names  of the sliders
 * @returns {Sound}
 */
export function without(sound, names) {
  const kept = Object.entries(sound.sliders ?? {}).filter(([name]) => !names.includes(name));
  const plain = { ...sound, sliders: Object.fromEntries(kept) };
  if (sound.morph) plain.morph = [without(sound.morph[0], names), without(sound.morph[1], names)];
  if (sound.blend) plain.blend = sound.blend.map(([part, weight]) => [without(part, names), weight]);
  return plain;
}

/**
 * How many sounds lie within one another, the outermost included.
 * @param {Sound} sound
 * @returns {number}
 */
export function depth(sound) {
  const parts = sound.morph ?? sound.blend?.map(([part]) => part) ?? [];
  return 1 + Math.max(0, ...parts.map(depth));
}

/**
 * Weights of all instruments in a sound, summing to 1 (or an empty object).
 * @param {Sound} sound
 * @returns {Weights}
 */
export function instrumentWeights(sound) {
  /** @type {Weights} */
  const total = {};
  const add = (weights, share) => {
    for (const [name, weight] of Object.entries(weights)) total[name] = (total[name] ?? 0) + share * weight;
  };
  if (sound.morph) {
    add(instrumentWeights(sound.morph[0]), 1 - sound.at);
    add(instrumentWeights(sound.morph[1]), sound.at);
  } else if (sound.blend) {
    const sum = sound.blend.reduce((all, [, weight]) => all + weight, 0);
    for (const [part, weight] of sound.blend) add(instrumentWeights(part), weight / sum);
  } else {
    const sum = Object.values(sound.instruments).reduce((all, weight) => all + weight, 0);
    add(sound.instruments, sum ? 1 / sum : 0);
  }
  return total;
}

/**
 * The instrument with the largest share; null for a sound without one.
 * @param {Sound} sound
 */
export function leadingInstrument(sound) {
  const sorted = Object.entries(instrumentWeights(sound)).sort((a, b) => b[1] - a[1]);
  return sorted.length ? sorted[0][0] : null;
}

/**
 * The model's instrument of this name, with its family; undefined if there is none.
 * @param {string | null} name
 * @param {Pick<Model, "families">} model
 * @returns {(Instrument & {family: Family}) | undefined}
 */
export function instrumentOf(name, model) {
  for (const family of model.families) {
    const instrument = family.instruments.find((one) => one.name === name);
    if (instrument) return { ...instrument, family };
  }
  return undefined;
}

/**
 * @param {Sound} sound
 * @param {Model} model
 */
export const hueOf = (sound, model) => instrumentOf(leadingInstrument(sound), model)?.family.hue ?? 30;

/**
 * A step from a sound towards another of its own instruments and along some sliders: see variations.js.
 * @param {Sound} sound
 */
function isVaried({ morph: [from, to], sliders = {} }) {
  return to.seed !== undefined && leadingInstrument(from) === leadingInstrument(to) && Object.keys(sliders).length > 0;
}

/**
 * What a player calls a sound that got no name: "Violin", "Violin · seed 7", "Violin → Flute, 40 %", "Violin · varied",
 * "Blend of Violin".
 * @param {Sound} sound
 * @param {Pick<Model, "families" | "title">} model
 * @returns {string}
 */
export function titleOf(sound, model) {
  if (sound.morph && isVaried(sound)) return `${titleOf(sound.morph[0], model)} · varied`;
  if (sound.morph) {
    const [from, to] = sound.morph.map((end) => titleOf(end, model));
    return `${from} → ${to}, ${Math.round(sound.at * 100)} %`;
  }
  const name = instrumentOf(leadingInstrument(sound), model)?.title ?? model.title;
  if (sound.blend) return `Blend of ${name}`;
  if (sound.z !== undefined) return `${name} take`;
  const mixed = Object.keys(sound.instruments).length > 1 ? " mix" : "";
  return `${name}${mixed}${sound.seed ? ` · seed ${sound.seed}` : ""}`;
}

const MOST_TOLD = 2; // bends that are named

/**
 * How a sound was bent, the most first: "Brightness +1.5, Attack −0.4"; an empty text where it was not.
 * @param {Sound} sound
 * @param {Pick<Model, "directions">} model
 */
export function bendText({ sliders = {}, raw = {} }, { directions }) {
  const bent = Object.entries(sliders).filter(([, amount]) => Math.abs(amount) >= 0.05);
  bent.sort((one, other) => Math.abs(other[1]) - Math.abs(one[1]));
  const named = bent.slice(0, MOST_TOLD).map(([name, amount]) => {
    const title = directions.find((direction) => direction.name === name)?.title ?? name;
    return `${title} ${amount > 0 ? "+" : ""}${minus(amount.toFixed(1))}`;
  });
  const numbers = Object.keys(raw).length;
  if (numbers && named.length < MOST_TOLD)
    named.push(numbers === 1 ? `z ${Number(Object.keys(raw)[0]) + 1}` : `${numbers} of z`);
  return named.join(", ");
}

/**
 * A measured value as one reads it: "1.9 kHz", "120 ms", "−12 dB", "24 partials".
 * @param {number} value
 * @param {{unit: string}} descriptor
 */
export function valueText(value, { unit }) {
  if (unit === "Hz") return value >= 1000 ? `${(value / 1000).toFixed(1)} kHz` : `${Math.round(value)} Hz`;
  if (unit === "s") return value < 1 ? `${Math.round(value * 1000)} ms` : `${value.toFixed(1)} s`;
  const digits = Math.abs(value) < 10 && unit !== "partials" ? 1 : 0;
  return `${minus(value.toFixed(digits))} ${unit}`.trim();
}

/**
 * How far a value is from another, in the steps the ear hears: octaves and factors where it hears ratios.
 * @param {number} value
 * @param {number} before
 * @param {{unit: string, log: boolean}} descriptor
 */
export function changeText(value, before, { unit, log }) {
  if (!log) {
    const change = value - before;
    return `${change >= 0 ? "+" : ""}${minus(change.toFixed(1))} ${unit}`;
  }
  const octaves = Math.log2(value / before);
  if (unit === "Hz") return `${octaves >= 0 ? "+" : ""}${minus(octaves.toFixed(1))} oct`;
  return `×${(value / before).toFixed(value / before < 10 ? 1 : 0)}`;
}

const minus = (text) => text.replace("-", "−");
