// The project: all that is on the bench, as one plain JSON document, and what can be read off it.
/** @import { Bends, Handle, Model, Patch, Project, SlotName, Sound } from "./types.js" */

import { clamp } from "./numbers.js";
import { PHRASES } from "./phrases.js";
import { canonical, titleOf } from "./sound.js";

export const FORMAT = 3;
/** The ends of the line; with c and d the corners of the pad. @type {SlotName[]} */
export const SLOTS = ["a", "b", "c", "d"];

/**
 * The patch that plays a note as the model made it.
 * @param {Pick<Model, "shared">} model
 * @returns {Patch}
 */
export function plainPatch({ shared: { patch } }) {
  const plain = (/** @type {keyof Patch} */ name) => patch[name].default;
  return {
    attack: plain("attack"),
    decay: plain("decay"),
    sustain: plain("sustain"),
    release: plain("release"),
    gain: plain("gain"),
  };
}

/** @param {Model} model */
export function instrumentNames(model) {
  return model.families.flatMap((family) => family.instruments.map((instrument) => instrument.name));
}

/**
 * @param {string | null | undefined} name  none for a model without instruments
 * @returns {Sound}
 */
export function instrumentSound(name, seed = 0) {
  return { instruments: name ? { [name]: 1 } : {}, seed };
}

/**
 * @param {Model} model
 * @returns {Project}
 */
export function newProject(model) {
  const names = instrumentNames(model);
  const some = (wanted, index) => (names.includes(wanted) ? wanted : names[Math.min(index, names.length - 1)]);
  const slot = (name, seed) => ({ sound: instrumentSound(name, seed), name: null });
  const seedOf = (index) => (names.length ? 0 : index);
  return {
    format: FORMAT,
    model: model.id,
    slots: {
      a: slot(some("acoustic_grand_piano", 0), 0),
      b: slot(some("violin", 1), seedOf(1)),
      c: slot(some("choir_aahs", 2), seedOf(2)),
      d: slot(some("vibraphone", 3), seedOf(3)),
    },
    morph: { mode: "line", t: 0, x: 0, y: 0 },
    mix: { sliders: {}, raw: {} },
    path: [],
    pathSeconds: model.shared.held_share * model.seconds,
    locks: [],
    patch: plainPatch(model),
    phrase: { name: PHRASES[0].name, tempo: 110, loop: true },
    note: clamp(60, model.low, model.high),
    octave: clamp(60, model.low, model.high),
    seconds: model.seconds,
    hold: false,
    audition: true,
    tuning: null,
  };
}

/**
 * Which slot the handle stands on, or "mix" between them.
 * @param {Project} project
 * @returns {SlotName | "mix"}
 */
export function target(project) {
  const { mode, t, x, y } = project.morph;
  if (mode === "line") return t === 0 ? "a" : t === 1 ? "b" : "mix";
  const corner = [x, y].every((value) => value === 0 || value === 1);
  return corner ? SLOTS[x + 2 * y] : "mix";
}

/**
 * The slot that a choice without a slot goes to: the one under the handle, else the nearest.
 * @param {Project} project
 * @returns {SlotName}
 */
export function handSlot(project) {
  const at = target(project);
  if (at !== "mix") return at;
  const { mode, t, x, y } = project.morph;
  return mode === "line" ? (t > 0.5 ? "b" : "a") : SLOTS[Math.round(x) + 2 * Math.round(y)];
}

/**
 * How much of what plays is each slot's; the shares sum to 1.
 * @param {Project} project
 * @returns {Record<SlotName, number>}
 */
export const shares = ({ morph: { mode, t, x, y } }) => (mode === "line" ? sharesAt(t, 0) : sharesAt(x, y));

/**
 * How much of each corner lies at a place of the pad.
 * @param {number} x
 * @param {number} y
 * @returns {Record<SlotName, number>}
 */
export const sharesAt = (x, y) => ({ a: (1 - x) * (1 - y), b: x * (1 - y), c: (1 - x) * y, d: x * y });

/**
 * The sound that plays: a slot's, or what lies between them where the handle stands; with the numbers of z that were set
 * between them.
 * @param {Project} project
 * @returns {Sound}
 */
export function soundOf(project) {
  const at = target(project);
  if (at === "mix") return { ...soundAt(project, project.morph), ...project.mix };
  const { sound } = project.slots[at];
  const { raw = {} } = project.mix;
  return Object.keys(raw).length ? canonical({ ...sound, raw: { ...sound.raw, ...raw } }) : sound;
}

/**
 * The sound at a place of the line ({t}) or the pad ({x, y}), without the bends of the mix.
 * @param {Project} project
 * @param {Partial<Handle>} place
 * @returns {Sound}
 */
export function soundAt(project, { mode = project.morph.mode, t, x, y }) {
  const { a, b, c, d } = project.slots;
  if (mode === "line") return { morph: [a.sound, b.sound], at: t };
  return {
    morph: [
      { morph: [a.sound, b.sound], at: x },
      { morph: [c.sound, d.sound], at: x },
    ],
    at: y,
  };
}

/**
 * What the sliders show: the amounts of the sounds under the handle by their shares, and what lies over them.
 * @param {Project} project
 * @returns {Required<Bends>}
 */
export function bendsOf(project) {
  const at = target(project);
  /** @type {Record<string, number>} */
  const sliders = {};
  for (const [slot, share] of Object.entries(shares(project))) {
    if (share === 0) continue;
    for (const [name, amount] of Object.entries(project.slots[slot].sound.sliders ?? {}))
      sliders[name] = (sliders[name] ?? 0) + share * amount;
  }
  const { sliders: over = {}, raw = {} } = project.mix;
  if (at === "mix") for (const [name, amount] of Object.entries(over)) sliders[name] = (sliders[name] ?? 0) + amount;
  const own = at === "mix" ? {} : project.slots[at].sound.raw;
  return { sliders, raw: { ...own, ...raw } };
}

/**
 * What is called so between sounds: on the line by the names that both have there, "My bell → Flute, 40 %".
 * @param {Project} project
 * @param {Model} model
 */
export function titleOfMix(project, model) {
  const { morph, slots } = project;
  if (morph.mode !== "line") return titleOf({ ...soundOf(project), sliders: {} }, model);
  const [from, to] = [slots.a, slots.b].map(({ name, sound }) => name ?? titleOf(sound, model));
  return `${from} → ${to}, ${Math.round(morph.t * 100)} %`;
}
