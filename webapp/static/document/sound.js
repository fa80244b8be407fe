// Sound documents: what decides how a note sounds, as plain JSON. They nest, travel in URLs and in saved projects.
//
//   {instruments: {violin: 1}, seed: 7}        a seed's sound of an instrument, or of a mixture
//   {z: "<base64url float32>", instruments}    a point known by its numbers alone
//   {morph: [sound, sound], at: 0.4}           on the way from one sound to another
//   {blend: [[sound, 0.7], [sound, 0.3]]}      the middle of several, weighted
//
// On top of each may lie `sliders` {name of a direction: amount} and `raw` {index of z: value}.

export const SEED_LIMIT = 2 ** 31 - 1;
const DIGITS = 1e4; // finer steps are not heard, and would make every hair's breadth of a drag a sound of its own

const round = (value) => Math.round(value * DIGITS) / DIGITS;

function bends(sound) {
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

const inOrder = (weights) => Object.fromEntries(Object.entries(weights).sort(([a], [b]) => (a < b ? -1 : 1)));

// The same sound written in the one order and precision that its address uses; a morph that stands at an end is that end.
export function canonical(sound) {
  const bent = bends(sound);
  if (sound.morph) {
    const at = round(sound.at);
    const ends = sound.morph.map(canonical);
    if (at <= 0 || at >= 1) return withBends(ends[at <= 0 ? 0 : 1], bent);
    if (JSON.stringify(ends[0]) === JSON.stringify(ends[1])) return withBends(ends[0], bent);
    return { morph: ends, at, ...bent };
  }
  if (sound.blend) return { blend: sound.blend.map(([part, weight]) => [canonical(part), round(weight)]), ...bent };
  if (sound.z !== undefined) return { z: sound.z, instruments: inOrder(sound.instruments), ...bent };
  return { instruments: inOrder(sound.instruments), seed: sound.seed, ...bent };
}

function withBends(sound, bent) {
  if (!Object.keys(bent).length) return sound;
  const sliders = { ...sound.sliders };
  for (const [name, amount] of Object.entries(bent.sliders ?? {})) sliders[name] = round((sliders[name] ?? 0) + amount);
  return { ...sound, ...bends({ sliders, raw: { ...sound.raw, ...bent.raw } }) };
}

// The text that stands for a sound in addresses and caches: equal text, equal sound.
export const soundText = (sound) => JSON.stringify(canonical(sound));

// How deep the nesting goes and how long its text is: what keeps a sound of a sound of a sound from growing for ever.
export function depth(sound) {
  const parts = sound.morph ?? sound.blend?.map(([part]) => part) ?? [];
  return 1 + Math.max(0, ...parts.map(depth));
}

// Weights of all instruments in a sound, summing to 1 (or an empty object).
export function instrumentWeights(sound) {
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

// The instrument with the largest share; null for a sound without one.
export function leadingInstrument(sound) {
  const sorted = Object.entries(instrumentWeights(sound)).sort((a, b) => b[1] - a[1]);
  return sorted.length ? sorted[0][0] : null;
}

// The instrument {name, title} and its family {title, hue} of the model; undefined where it has none such.
export function instrumentOf(name, model) {
  for (const family of model.families) {
    const instrument = family.instruments.find((one) => one.name === name);
    if (instrument) return { ...instrument, family };
  }
  return undefined;
}

export const hueOf = (sound, model) => instrumentOf(leadingInstrument(sound), model)?.family.hue ?? 30;

// A step from a sound towards another of its own instruments and along some sliders: see variations.js.
function isVaried({ morph: [from, to], sliders = {} }) {
  return to.seed !== undefined && leadingInstrument(from) === leadingInstrument(to) && Object.keys(sliders).length > 0;
}

// What a player calls a sound that got no name: "Violin", "Violin 7", "Violin → Flute 40 %", "Violin varied", "Blend of
// Violin".
export function titleOf(sound, model) {
  if (sound.morph && isVaried(sound)) return `${titleOf(sound.morph[0], model)} varied`;
  if (sound.morph) {
    const [from, to] = sound.morph.map((end) => titleOf(end, model));
    return `${from} → ${to} ${Math.round(sound.at * 100)} %`;
  }
  const name = instrumentOf(leadingInstrument(sound), model)?.title ?? model.title;
  if (sound.blend) return `Blend of ${name}`;
  if (sound.z !== undefined) return `${name} take`;
  const mixed = Object.keys(sound.instruments).length > 1 ? " mix" : "";
  return `${name}${mixed}${sound.seed ? ` ${sound.seed}` : ""}`;
}

// A sound document somebody else wrote: a copy of what is good in it, or null. The server is the judge of instruments,
// directions and sizes; this only keeps the page itself from stumbling.
export function checkedSound(value, level = 0) {
  if (!value || typeof value !== "object" || level > 6) return null;
  const sound = {};
  if (Array.isArray(value.morph)) {
    const ends = value.morph.map((end) => checkedSound(end, level + 1));
    if (ends.length !== 2 || ends.includes(null) || !(value.at >= 0 && value.at <= 1)) return null;
    Object.assign(sound, { morph: ends, at: value.at });
  } else if (Array.isArray(value.blend)) {
    const parts = value.blend.map((part) => [checkedSound(part?.[0], level + 1), part?.[1]]);
    if (!parts.length || parts.some(([part, weight]) => !part || !(weight > 0 && weight <= 1))) return null;
    sound.blend = parts;
  } else {
    const weights = value.instruments;
    if (
      !weights ||
      typeof weights !== "object" ||
      !Object.values(weights).every((weight) => weight >= 0 && weight <= 1)
    )
      return null;
    sound.instruments = { ...weights };
    if (typeof value.z === "string") sound.z = value.z;
    else if (Number.isInteger(value.seed) && value.seed >= 0 && value.seed <= SEED_LIMIT) sound.seed = value.seed;
    else return null;
  }
  for (const kind of ["sliders", "raw"]) {
    if (value[kind] === undefined) continue;
    if (typeof value[kind] !== "object" || !Object.values(value[kind] ?? {}).every(Number.isFinite)) return null;
    sound[kind] = { ...value[kind] };
  }
  return sound;
}

// A measured value as one reads it: "1.9 kHz", "120 ms", "−12 dB", "24 partials".
export function valueText(value, { unit }) {
  if (unit === "Hz") return value >= 1000 ? `${(value / 1000).toFixed(1)} kHz` : `${Math.round(value)} Hz`;
  if (unit === "s") return value < 1 ? `${Math.round(value * 1000)} ms` : `${value.toFixed(1)} s`;
  const digits = Math.abs(value) < 10 && unit !== "partials" ? 1 : 0;
  return `${minus(value.toFixed(digits))} ${unit}`.trim();
}

// How far a value is from another, in the steps the ear hears: octaves and factors where it hears ratios.
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
