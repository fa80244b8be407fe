// Changes of the project: pure functions from one project to the next.
/** @import { Action, Bends, Item, Model, Patch, Project, Slot, SlotName } from "./types.js" */

import { checkedItem, checkedSound, isPath, patched } from "./checked.js";
import { clamp } from "./numbers.js";
import { PHRASES, TEMPO } from "./phrases.js";
import { bendsOf, handSlot, instrumentNames, instrumentSound, plainPatch, SLOTS, target } from "./project.js";
import { canonical, leadingInstrument, SEED_LIMIT } from "./sound.js";
import { checkedTuning } from "./tuning.js";

const SHORTEST_PATH = 0.2; // seconds
const MOST_KEPT = 2000; // favourites, and sounds in the basket

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
  // A sound into a slot; the handle goes there unless `stay`.
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
    const { sliders } = bendsOf(project);
    const moved = amounts.map(([name, amount]) => [name, clamp(amount, -model.sliderLimit, model.sliderLimit)]);
    return bend(project, { sliders: { ...sliders, ...Object.fromEntries(moved) } });
  },
  // Numbers of z by index; null gives one back to the sound.
  raw(project, action, model) {
    const raw = { ...bendsOf(project).raw };
    for (const [index, value] of Object.entries(action.values)) {
      if (!(Number(index) >= 0 && Number(index) < model.latentSize)) return project;
      if (value === null) delete raw[index];
      else if (Number.isFinite(value)) raw[index] = clamp(value, -model.rawLimit, model.rawLimit);
    }
    return bend(project, { raw });
  },
  reset(project) {
    const locked = Object.entries(bendsOf(project).sliders).filter(([name]) => project.locks.includes(name));
    return bend(project, { sliders: Object.fromEntries(locked), raw: {} });
  },
  lock(project, { name, on }) {
    const locks = project.locks.filter((other) => other !== name);
    return changed(project, { locks: on ? [...locks, name] : locks });
  },
  handle(project, action) {
    const given = ["t", "x", "y"].filter((axis) => Number.isFinite(action[axis]));
    const moved = Object.fromEntries(given.map((axis) => [axis, clamp(action[axis], 0, 1)]));
    const mode = ["line", "pad"].includes(action.mode) ? action.mode : project.morph.mode;
    return changed(project, { morph: { ...project.morph, ...moved, mode } });
  },
  // A and B change places; what sounds stays what it is.
  swap(project) {
    const { a, b } = project.slots;
    const { morph } = project;
    return changed(project, { slots: { ...project.slots, a: b, b: a }, morph: { ...morph, t: 1 - morph.t } });
  },
  // Both ends of the line and the handle on it, at once.
  span(project, action) {
    const ends = [action.a, action.b].map((end) => checkedSound(end));
    if (ends.includes(null) || !Number.isFinite(action.t)) return project;
    const [a, b] = ends.map((sound) => ({ sound: canonical(sound), name: null }));
    return changed(project, {
      slots: { ...project.slots, a, b },
      morph: { ...project.morph, mode: "line", t: clamp(action.t, 0, 1) },
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
  // One or several items into a list. A sound in the basket keeps the envelope that it was played with.
  keep: (project, { list, item, items = [item] }, model) =>
    withList(project, list, (there) => {
      const known = new Set(there.map(({ id }) => id));
      const good = items.map((one) => checkedItem(one, model)).filter((one) => one && !known.has(one.id));
      const added = list === "basket" ? good.map((one) => asPlayed(one, project.patch, model)) : good;
      return [...there, ...added].slice(0, MOST_KEPT);
    }),
  forget: (project, { list, id }) => withList(project, list, (there) => there.filter((one) => one.id !== id)),
  rename: (project, { list, id, change }, model) =>
    withList(project, list, (there) =>
      there.map((one) => (one.id === id ? (checkedItem({ ...one, ...change }, model) ?? one) : one)),
    ),
  // Item `id` to the place `to`.
  move: (project, { list, id, to }) =>
    withList(project, list, (there) => {
      const moved = there.find((one) => one.id === id);
      if (!moved || !Number.isInteger(to)) return there;
      const others = there.filter((one) => one !== moved);
      return others.toSpliced(clamp(to, 0, others.length), 0, moved);
    }),
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
 * @param {Project} project
 * @param {SlotName} slot
 * @param {Slot} content
 * @param {boolean} stay  whether the handle stays where it is
 */
function putInto(project, slot, content, stay) {
  const morph = stay ? project.morph : { ...project.morph, ...PLACES[slot] };
  if (!stay && slot > "b") morph.mode = "pad";
  return changed(project, {
    slots: { ...project.slots, [slot]: { ...content, sound: canonical(content.sound) } },
    morph,
  });
}

/**
 * The project with other bends under the handle.
 * @param {Project} project
 * @param {Bends} part
 */
function bend(project, part) {
  const at = target(project);
  if (at === "mix") return changed(project, { mix: { ...project.mix, ...part } });
  const slot = project.slots[at];
  return changed(project, {
    slots: { ...project.slots, [at]: { ...slot, sound: canonical({ ...slot.sound, ...part }) } },
  });
}

/** @param {(items: Item[]) => Item[]} change */
function withList(project, list, change) {
  if (list !== "favourites" && list !== "basket") return project;
  return changed(project, { [list]: change(project[list]) });
}

/**
 * @param {Item} item
 * @param {Patch} patch  what it was played with, kept where it does anything
 * @param {Model} model
 * @returns {Item}
 */
function asPlayed(item, patch, model) {
  const shape = item.patch ?? patch;
  return JSON.stringify(shape) === JSON.stringify(plainPatch(model)) ? item : { ...item, patch: { ...shape } };
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
