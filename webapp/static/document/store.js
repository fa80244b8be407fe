// Changes of the project: pure functions from one project to the next.
/** @import { Action, Handle, Model, Project, Slot, SlotName } from "./types.js" */

import { checkedSound, isPath, patched } from "./checked.js";
import { clamp } from "./numbers.js";
import { PHRASES, TEMPO } from "./phrases.js";
import { bendsOf, handSlot, instrumentNames, instrumentSound, shares, SLOTS, target } from "./project.js";
import { canonical, leadingInstrument, SEED_LIMIT } from "./sound.js";
import { checkedTuning } from "./tuning.js";

const SHORTEST_PATH = 0.2; // seconds

/**
 * The project after `action`. Values out of range are brought into it; an action that makes no sense, or changes nothing,
 * returns the very same object.
 * @param {Project} project
 * @param {Action} action
 * @param {Model} model
 * @returns {Project}
 */
export function reduce(project, action, model) {
  const change = /** @type {(project: Project, action: Action, model: Model) => Project} */ (CHANGES[action.type]);
  return change ? change(project, action, model) : project;
}

/** @type {{[type in Action["type"]]: (project: Project, action: Extract<Action, {type: type}>, model: Model) => Project}} */
const CHANGES = {
  // A sound into a slot. The handle goes there, so that it is heard; but between sounds of which this is one it keeps its
  // place, and it always does with `stay`, and never with `stay: false`.
  put(project, action) {
    const sound = checkedSound(action.sound);
    if (!sound || !SLOTS.includes(action.slot)) return project;
    return putInto(project, action.slot, { sound, name: action.name ?? null }, action.stay);
  },
  // An instrument into a slot, keeping that slot's seed.
  pick(project, { instrument, slot: given, stay }, model) {
    if (!instrumentNames(model).includes(instrument)) return project;
    const slot = given ?? handSlot(project);
    const { seed = 0, sliders, raw } = project.slots[slot].sound;
    const sound = { ...instrumentSound(instrument, seed), sliders, raw };
    return putInto(project, slot, { sound, name: null }, stay);
  },
  seed(project, { seed, slot: given, stay }) {
    if (!Number.isFinite(seed)) return project;
    const slot = given ?? handSlot(project);
    const before = project.slots[slot].sound;
    const isSeeds = before.instruments && before.z === undefined;
    const { instruments } = isSeeds ? before : instrumentSound(leadingInstrument(before));
    const { sliders, raw } = before;
    const sound = { instruments, seed: clamp(Math.round(seed), 0, SEED_LIMIT), sliders, raw };
    return putInto(project, slot, { sound, name: null }, stay);
  },
  // Amounts along directions, by name.
  slide(project, action, model) {
    const amounts = Object.entries(action.sliders);
    if (!amounts.every(([, amount]) => Number.isFinite(amount))) return project;
    return slid(project, Object.fromEntries(amounts), model.sliderLimit);
  },
  // Numbers of z by index; null gives one back to the sound.
  raw(project, action, model) {
    const values = Object.entries(action.values);
    if (!values.every(([index]) => Number(index) >= 0 && Number(index) < model.latentSize)) return project;
    const limited = values
      .filter(([, value]) => value === null || Number.isFinite(value))
      .map(([index, value]) => [index, value === null ? null : clamp(value, -model.rawLimit, model.rawLimit)]);
    return rawSet(project, Object.fromEntries(limited));
  },
  reset(project, _, model) {
    const { sliders, raw } = bendsOf(project);
    const free = Object.keys(sliders).filter((name) => !project.locks.includes(name));
    const straight = slid(project, Object.fromEntries(free.map((name) => [name, 0])), model.sliderLimit);
    return rawSet(straight, Object.fromEntries(Object.keys(raw).map((index) => [index, null])));
  },
  lock(project, { name, on }) {
    const locks = project.locks.filter((other) => other !== name);
    return changed(project, { locks: on ? [...locks, name] : locks });
  },
  handle(project, action) {
    const given = ["t", "x", "y"].filter((axis) => Number.isFinite(action[axis]));
    const moved = Object.fromEntries(given.map((axis) => [axis, clamp(action[axis], 0, 1)]));
    const mode = ["line", "pad"].includes(action.mode) ? action.mode : project.morph.mode;
    return changed(project, { morph: aligned({ ...project.morph, ...moved, mode }) });
  },
  // A and B change places, on the pad C and D too; what sounds stays what it is.
  swap(project) {
    const { a, b, c, d } = project.slots;
    const { mode, t, x, y } = project.morph;
    const slots = mode === "line" ? { ...project.slots, a: b, b: a } : { a: b, b: a, c: d, d: c };
    return changed(project, { slots, morph: aligned({ mode, t: 1 - t, x: 1 - x, y }) });
  },
  // Both ends of the line and the handle on it, at once.
  span(project, action) {
    const ends = [action.a, action.b].map((end) => checkedSound(end));
    if (ends.includes(null) || !Number.isFinite(action.t)) return project;
    const [a, b] = ends.map((sound) => ({ sound: canonical(sound), name: null }));
    return changed(project, {
      slots: { ...project.slots, a, b },
      morph: aligned({ ...project.morph, mode: "line", t: clamp(action.t, 0, 1) }),
    });
  },
  // The path over the pad and how long it takes; what is not given stays.
  path(project, { path: given, seconds }, model) {
    const path = given ?? project.path;
    if (!isPath(path)) return project;
    const pathSeconds = Number.isFinite(seconds) ? clamp(seconds, SHORTEST_PATH, model.seconds) : project.pathSeconds;
    return changed(project, { path, pathSeconds });
  },
  patch: (project, { patch }, model) => changed(project, { patch: patched(project.patch, patch, model) }),
  phrase(project, { name, tempo, loop }) {
    const phrase = { ...project.phrase };
    if (PHRASES.some((known) => known.name === name)) phrase.name = name;
    if (Number.isFinite(tempo)) phrase.tempo = clamp(Math.round(tempo), ...TEMPO);
    if (typeof loop === "boolean") phrase.loop = loop;
    return changed(project, { phrase });
  },
  note: (project, { pitch }, { low, high }) => changed(project, { note: clamp(pitch, low, high) }),
  octave: (project, { octave }, { low, high }) =>
    changed(project, { octave: clamp(octave, low, Math.max(low, high - 12)) }),
  seconds(project, { seconds }, model) {
    return Number.isFinite(seconds) ? changed(project, { seconds: clamp(seconds, 0.1, model.seconds) }) : project;
  },
  hold: (project, { on }) => changed(project, { hold: Boolean(on) }),
  audition: (project, { on }) => changed(project, { audition: Boolean(on) }),
  tuning: (project, { tuning }) => changed(project, { tuning: checkedTuning(tuning) }),
};

const PLACES = { a: { t: 0, x: 0, y: 0 }, b: { t: 1, x: 1, y: 0 }, c: { x: 0, y: 1 }, d: { x: 1, y: 1 } };

/**
 * The line is the upper edge of the pad: wherever the handle is, both show the one place that plays.
 * @param {Handle} handle
 * @returns {Handle}
 */
const aligned = ({ mode, t, x, y }) => (mode === "line" ? { mode, t, x: t, y: 0 } : { mode, t: x, x, y });

/**
 * @param {Project} project
 * @param {SlotName} slot
 * @param {Slot} content
 * @param {boolean} [stay]  whether the handle stays where it is; without it, if it stands between this sound and others
 */
function putInto(project, slot, content, stay) {
  const keeps = stay ?? (target(project) === "mix" && shares(project)[slot] > 0);
  const morph = keeps ? project.morph : { ...project.morph, ...PLACES[slot] };
  if (!keeps && slot > "b") morph.mode = "pad";
  return changed(project, {
    slots: { ...project.slots, [slot]: { ...content, sound: canonical(content.sound) } },
    morph: aligned(morph),
  });
}

/**
 * The project with amounts along directions under the handle. Between sounds each of them takes its part, so that amounts
 * stay what they are all the way to the ends: an amount at a place is the mean of the sounds' own, by their shares.
 * @param {Project} project
 * @param {Record<string, number>} amounts
 * @param {number} limit
 */
function slid(project, amounts, limit) {
  const parts = Object.entries(shares(project)).filter(([, share]) => share > 0);
  const { sliders: over = {} } = project.mix;
  const slots = { ...project.slots };
  for (const [name, wanted] of Object.entries(amounts)) {
    const own = parts.map(([slot]) => slots[slot].sound.sliders?.[name] ?? 0);
    const next = raised(
      own,
      parts.map(([, share]) => share),
      clamp(wanted, -limit, limit),
      limit,
    );
    parts.forEach(([slot], at) => {
      const { sound } = slots[slot];
      slots[slot] = { ...slots[slot], sound: canonical({ ...sound, sliders: { ...sound.sliders, [name]: next[at] } }) };
    });
  }
  const left = Object.fromEntries(Object.entries(over).filter(([name]) => !(name in amounts)));
  return changed(project, { slots, mix: { ...project.mix, sliders: left } });
}

/**
 * Values raised by one and the same amount, within the limit, until their mean by `weights` (which sum to 1) is `wanted`.
 * @param {number[]} values
 * @param {number[]} weights
 * @param {number} wanted  within the limit
 * @param {number} limit
 */
function raised(values, weights, wanted, limit) {
  let next = values;
  for (let round = 0; round <= values.length; round++) {
    const missing = wanted - next.reduce((sum, value, at) => sum + value * weights[at], 0);
    const free = next.map((value) => (missing > 0 ? value < limit : value > -limit));
    const weight = weights.reduce((sum, one, at) => sum + (free[at] ? one : 0), 0);
    if (Math.abs(missing) < 1e-9 || weight === 0) break;
    next = next.map((value, at) => (free[at] ? clamp(value + missing / weight, -limit, limit) : value));
  }
  return next;
}

/**
 * The project with numbers of z set (or, with null, given back) under the handle: those of the sound there; between sounds,
 * numbers that lie over all of them, and at the ends too.
 * @param {Project} project
 * @param {Record<string, number | null>} values
 */
function rawSet(project, values) {
  const at = target(project);
  const over = { ...project.mix.raw };
  const own = at === "mix" ? {} : { ...project.slots[at].sound.raw };
  for (const [index, value] of Object.entries(values)) {
    const into = at === "mix" || index in over ? over : own;
    if (value === null) {
      delete over[index];
      delete own[index];
    } else into[index] = value;
  }
  const slots =
    at === "mix"
      ? project.slots
      : {
          ...project.slots,
          [at]: { ...project.slots[at], sound: canonical({ ...project.slots[at].sound, raw: own }) },
        };
  return changed(project, { slots, mix: { ...project.mix, raw: over } });
}

/**
 * @param {Project} project
 * @param {Partial<Project>} part
 * @returns {Project}
 */
function changed(project, part) {
  const same = Object.entries(part).every(([key, value]) => JSON.stringify(project[key]) === JSON.stringify(value));
  return same ? project : { ...project, ...part };
}
