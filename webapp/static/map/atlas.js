// The map of the model's sounds as data: where the points lie, what was measured of them, which sound each one is.

import { instrumentOf, soundText } from "../document/sound.js";

export const LAYOUTS = ["latent", "sound"];

/**
 * @typedef {import("../document/types.js").Sound} Sound
 * @typedef {object} Atlas
 * @property {number} points how many there are
 * @property {number} pitch MIDI: the key that was measured
 * @property {string[]} names of the instruments
 * @property {import("../document/types.js").Model["descriptors"]} descriptors what was measured
 * @property {Record<string, Float32Array>} layouts places x0, y0, x1, y1 ... from 0 to 1
 * @property {Int32Array} owners each point's place in `names`, -1 for none
 * @property {Int32Array} seeds
 * @property {(index: number) => Float32Array} values of a descriptor, for each point
 * @property {(point: number) => string | null} instrument
 * @property {(point: number) => Sound} sound
 * @property {Map<string, Record<string, [number, number][]>>} near points and shares that sounds known by their numbers lie
 *   among in each layout, by their bare text; see neighbours.js
 * @property {(sound: Sound) => number | undefined} pointOf the point whose sound this is, whatever bends lie on top of it
 */

// The map, or {missing: the command that would build one}.
export async function fetchAtlas(studio) {
  const facts = await (await studio.askModel("atlas", {})).json();
  if (facts.missing) return facts;
  return unpackAtlas(facts, await (await studio.askModel("points", { map: facts.hash })).arrayBuffer());
}

/**
 * The parts lie one after the other, little-endian, all of 4-byte numbers (see webapp/atlas.py).
 * @returns {Atlas}
 */
export function unpackAtlas(facts, bytes) {
  const { points, instruments: names, descriptors, pitch } = facts;
  let offset = 0;
  const take = (kind, length) => {
    const part = new kind(bytes, offset, length);
    offset += 4 * length;
    return part;
  };
  const layouts = Object.fromEntries(LAYOUTS.map((name) => [name, take(Float32Array, 2 * points)]));
  const measured = take(Float32Array, descriptors.length * points); // all points of the first descriptor, then the next
  const owners = take(Int32Array, points);
  const seeds = take(Int32Array, points);
  const known = new Map();
  const key = (owner, seed) => owner * 2 ** 31 + seed;
  for (let point = 0; point < points; point++) known.set(key(owners[point], seeds[point]), point);
  const places = new Map(names.map((name, index) => [name, index]));

  /** @type {Atlas} */
  const atlas = {
    points,
    pitch,
    names,
    descriptors,
    layouts,
    owners,
    seeds,
    near: new Map(),
    values: (index) => measured.subarray(index * points, (index + 1) * points),
    instrument: (point) => names[owners[point]] ?? null,
    sound(point) {
      const name = atlas.instrument(point);
      return { instruments: name ? { [name]: 1 } : {}, seed: seeds[point] };
    },
    pointOf({ instruments, seed }) {
      if (seed === undefined || !instruments) return undefined;
      const [name, ...others] = Object.keys(instruments);
      return others.length ? undefined : known.get(key(name === undefined ? -1 : places.get(name), seed));
    },
  };
  return atlas;
}

/** Of sounds that are asked for in every frame. @type {WeakMap<Sound, string>} */
const bareTexts = new WeakMap();

/**
 * The text of a sound without what bends it.
 * @param {Sound} sound
 */
export function bareText(sound) {
  if (!bareTexts.has(sound)) bareTexts.set(sound, soundText({ ...sound, sliders: undefined, raw: undefined }));
  return bareTexts.get(sound);
}

// Where a sound lies on the map, `place(point)` being where a point does in a `layout`: at its point, among the points that
// it is near to, or at the middle of what it is made of, as {x, y, exact} where `exact` says that it is the point's own
// sound; null if it has no place.
export function placeOf(sound, atlas, sky) {
  const { place, layout } = sky;
  const parts = sound.morph
    ? [
        [sound.morph[0], 1 - sound.at],
        [sound.morph[1], sound.at],
      ]
    : sound.blend;
  if (parts) return middleOf(parts, (part) => placeOf(part, atlas, sky));
  const point = atlas.pointOf(sound);
  const bent = [sound.sliders, sound.raw].some((bends) => Object.keys(bends ?? {}).length);
  if (point !== undefined) return { ...place(point), exact: !bent };
  const near = nearOf(sound, atlas, layout);
  return near ? middleOf(near, place) : null;
}

/**
 * The points, with shares, that a sound known by its numbers lies among; undefined where none are known.
 * @param {Sound} sound
 * @param {Atlas} atlas
 * @param {string} layout
 */
export const nearOf = (sound, atlas, layout) =>
  sound.z === undefined ? undefined : atlas.near.get(bareText(sound))?.[layout];

function middleOf(parts, placed) {
  const middle = { x: 0, y: 0, exact: false };
  const whole = parts.reduce((sum, [, share]) => sum + share, 0);
  for (const [part, share] of parts) {
    if (share === 0) continue;
    const there = placed(part);
    if (!there) return null;
    middle.x += (there.x * share) / whole;
    middle.y += (there.y * share) / whole;
  }
  return middle;
}

// The slots that the map shows, [[name, slot]]: all of the pad, or the ends of the line.
export const slotsOnMap = ({ slots, morph }) =>
  Object.entries(slots).filter(([name]) => morph.mode === "pad" || name < "c");

// Where the points of each instrument lie in a layout, [{owner, x, y, spread}]: their middle, and how far they are from
// it on average. The closest-knit come first.
export function islandsOf(atlas, places) {
  const islands = atlas.names.map((_, owner) => ({ owner, x: 0, y: 0, spread: 0, count: 0 }));
  const each = (act) => {
    for (let point = 0; point < atlas.points; point++)
      if (atlas.owners[point] >= 0) act(islands[atlas.owners[point]], places[2 * point], places[2 * point + 1]);
  };
  each((island, x, y) => {
    island.x += x;
    island.y += y;
    island.count++;
  });
  const found = islands.filter(({ count }) => count > 0);
  for (const island of found) {
    island.x /= island.count;
    island.y /= island.count;
  }
  each((island, x, y) => (island.spread += Math.hypot(x - island.x, y - island.y) / island.count));
  return found.map(({ owner, x, y, spread }) => ({ owner, x, y, spread })).sort((a, b) => a.spread - b.spread);
}

// The instrument and family of a point; undefined for a model without.
export const instrumentAt = (atlas, point, model) => instrumentOf(atlas.instrument(point), model);

// A measured value as people read it: "1.2 kHz", "35 ms", "−12 dB".
export function reading(value, unit) {
  const number = (shown) => {
    const size = Math.abs(shown);
    return shown.toFixed(size >= 20 || Number.isInteger(shown) ? 0 : size >= 2 ? 1 : 2).replace("-", "−");
  };
  if (unit === "Hz" && value >= 1000) return `${number(value / 1000)} kHz`;
  if (unit === "s" && value < 1) return `${number(value * 1000)} ms`;
  return unit ? `${number(value)} ${unit}` : number(value);
}

// Values from 0 to 1 as the ear spaces them, with the ends {low, high} of the scale: the outermost
// fiftieth of the points at either end is clamped, so that a few odd sounds do not take up all the colour.
export function scaleOf(values, log) {
  const sorted = Float32Array.from(values).sort();
  const low = sorted[Math.floor(0.02 * (sorted.length - 1))];
  const high = sorted[Math.ceil(0.98 * (sorted.length - 1))];
  const heard = log ? Math.log2 : (value) => value;
  const span = heard(high) - heard(low);
  const share = (value) => (span > 0 ? Math.min(1, Math.max(0, (heard(value) - heard(low)) / span)) : 0.5);
  const valueAt = (part) => (log ? 2 ** (heard(low) + part * span) : low + part * span);
  return { low, high, share, valueAt };
}
