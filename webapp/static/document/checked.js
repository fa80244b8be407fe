// What is good in documents that somebody else wrote, or an older page.
/** @import { Bends, Item, Model, Original, Patch, PathPoint, Sound } from "./types.js" */

import { clamp } from "./numbers.js";
import { instrumentNames, plainPatch } from "./project.js";
import { canonical, SEED_LIMIT } from "./sound.js";

const DEEPEST = 6; // sounds within sounds; the server, which counts the outermost too, has the last word
const IMPRINT = /^[\w-]{1,4000}$/; // base64url; the server reads it
const MOST_PATH = 1000; // points

/**
 * A copy of what is good in a sound document, or null. The server is the judge of instruments, directions and sizes; this
 * only keeps the page itself from stumbling.
 * @param {any} value  whatever a file, a link or the storage held
 * @returns {Sound | null}
 */
export function checkedSound(value, level = 0) {
  if (!value || typeof value !== "object" || level > DEEPEST) return null;
  /** @type {Sound} */
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
    if (typeof value.z === "string") {
      sound.z = value.z;
      if (typeof value.imprint === "string") sound.imprint = value.imprint;
    } else if (Number.isInteger(value.seed) && value.seed >= 0 && value.seed <= SEED_LIMIT) sound.seed = value.seed;
    else return null;
  }
  for (const kind of ["sliders", "raw"]) {
    if (value[kind] === undefined) continue;
    if (typeof value[kind] !== "object" || !Object.values(value[kind] ?? {}).every(Number.isFinite)) return null;
    sound[kind] = { ...value[kind] };
  }
  return sound;
}

/**
 * The sound as far as the model can play it, else null: an unknown instrument or numbers of another size would leave the
 * whole bench mute. Sliders that the model lacks are left out.
 * @param {any} sound
 * @param {Model} model
 * @returns {Sound | null}
 */
export function knownSound(sound, model) {
  const checked = checkedSound(sound);
  const names = new Set(instrumentNames(model));
  const letters = Math.ceil((model.latentSize * 16) / 3); // base64 of float32
  /** @param {Sound} part */
  function known(part) {
    const bends = knownBends(part, model);
    if (part.morph || part.blend) {
      const ends = part.morph ? part.morph.map(known) : part.blend.map(([one, weight]) => [known(one), weight]);
      if (ends.flat().includes(null)) return null;
      return part.morph ? { morph: ends, at: part.at, ...bends } : { blend: ends, ...bends };
    }
    if (!Object.keys(part.instruments).every((name) => names.has(name))) return null;
    if (part.z !== undefined && (part.z.length !== letters || /[^\w-]/.test(part.z))) return null;
    if (part.imprint !== undefined && !IMPRINT.test(part.imprint)) return null;
    return { ...part, sliders: undefined, raw: undefined, ...bends };
  }
  return checked && known(checked);
}

/**
 * The amounts that the model has a direction or a number for, within its limits.
 * @param {Bends} bends
 * @param {Model} model
 * @returns {Required<Bends>}
 */
export function knownBends({ sliders = {}, raw = {} }, model) {
  const directions = new Set(model.directions.map(({ name }) => name));
  const within = (values, fits, limit) =>
    Object.fromEntries(
      Object.entries(values)
        .filter(([name]) => fits(name))
        .map(([name, value]) => [name, clamp(value, -limit, limit)]),
    );
  return {
    sliders: within(sliders, (name) => directions.has(name), model.sliderLimit),
    raw: within(raw, (index) => /^\d{1,6}$/.test(index) && Number(index) < model.latentSize, model.rawLimit),
  };
}

/**
 * Whether these are points that rise in time from 0 to 1; none at all is a path too.
 * @param {any} path
 * @returns {path is PathPoint[]}
 */
export function isPath(path) {
  if (!Array.isArray(path) || path.length > MOST_PATH) return false;
  const isPoint = (point) =>
    Array.isArray(point) && point.length === 3 && point.every((value) => value >= 0 && value <= 1);
  if (!path.every(isPoint)) return false;
  if (!path.length) return true;
  return (
    path[0][0] === 0 && path.at(-1)[0] === 1 && path.every(([time], index) => index === 0 || time > path[index - 1][0])
  );
}

/**
 * The patch with what `change` holds for it, brought into its range.
 * @param {Patch} patch
 * @param {Partial<Patch>} change
 * @param {Pick<Model, "shared">} model
 * @returns {Patch}
 */
export function patched(patch, change, { shared }) {
  const next = { ...patch };
  for (const [name, { low, high }] of Object.entries(shared.patch)) {
    if (Number.isFinite(change[name])) next[name] = clamp(change[name], low, high);
  }
  return next;
}

const SAMPLES = /^[A-Za-z0-9+/]{4,4000000}={0,2}$/;

/**
 * A copy of the recording that an own sound was made of, or null where it is not good.
 * @param {any} original
 * @returns {Original | null}
 */
function checkedOriginal(original) {
  const { rate, samples, pitch, distance, pitched } = original ?? {};
  const isGood =
    Number.isInteger(rate) &&
    rate >= 8000 &&
    rate <= 96000 &&
    typeof samples === "string" &&
    samples.length % 4 === 0 &&
    SAMPLES.test(samples) &&
    pitch >= 0 &&
    pitch <= 127 &&
    distance >= 0;
  return isGood ? { rate, samples, pitch, distance, pitched: Boolean(pitched) } : null;
}

/**
 * A copy of what is good in a kept sound, or null.
 * @param {any} item
 * @param {Pick<Model, "shared">} model
 * @returns {Item | null}
 */
export function checkedItem(item, model) {
  const sound = checkedSound(item?.sound);
  if (!sound || typeof item.id !== "string" || typeof item.name !== "string") return null;
  const tags = Array.isArray(item.tags)
    ? item.tags
        .filter((tag) => typeof tag === "string")
        .map((tag) => tag.slice(0, 40))
        .slice(0, 20)
    : [];
  const note = Number.isInteger(item.note) ? item.note : 60;
  const shaped = item.patch && typeof item.patch === "object";
  const patch = shaped ? { patch: patched(plainPatch(model), item.patch, model) } : {};
  const original = checkedOriginal(item.original);
  const own = original ? { original } : {};
  return { id: item.id, name: item.name.slice(0, 120), tags, sound: canonical(sound), note, ...patch, ...own };
}
