// Projects with undo.
/** @import { History, KeptChange, Project } from "./types.js" */

import { nameChange } from "./library.js";
import { SLOTS } from "./project.js";

const UNDO_STEPS = 200;

// What undo takes back. What one plays on and how (note, octave, hold ...) stays as it is.
const UNDONE = ["slots", "morph", "mix", "path", "pathSeconds", "patch", "locks"];

/**
 * @param {Project} project
 * @returns {History}
 */
export const beginHistory = (project) => ({ past: [], present: project, future: [], gesture: undefined });

/**
 * The history with `project` as its present. Steps of one `gesture` (any number) are undone as one.
 * @param {History} history
 * @param {Project} project
 * @param {number} [gesture]
 * @returns {History}
 */
export function step(history, project, gesture) {
  const before = history.present;
  if (project === before) return history;
  if (UNDONE.every((part) => project[part] === before[part])) return { ...history, present: project };
  const goesOn = gesture !== undefined && gesture === history.gesture;
  const past = goesOn ? history.past : stepped(history.past, before, null);
  return { past, present: project, future: [], gesture };
}

/**
 * The history with a change of the library as its last step.
 * @param {History} history
 * @param {KeptChange} kept
 * @returns {History}
 */
export const keptStep = (history, kept) => ({
  ...history,
  past: stepped(history.past, history.present, kept),
  future: [],
  gesture: undefined,
});

const stepped = (past, project, kept) => [...past, { project, kept }].slice(-UNDO_STEPS);

/**
 * @param {History} history
 * @returns {History | null}  null where there is nothing to undo
 */
export function undo({ past, present, future }) {
  if (!past.length) return null;
  const { project, kept } = past.at(-1);
  return {
    past: past.slice(0, -1),
    present: onlyUndone(project, present),
    future: [{ project: present, kept }, ...future],
    gesture: undefined,
  };
}

/**
 * @param {History} history
 * @returns {History | null}  null where there is nothing to redo
 */
export function redo({ past, present, future }) {
  if (!future.length) return null;
  const { project, kept } = future[0];
  return {
    past: [...past, { project: present, kept }],
    present: onlyUndone(project, present),
    future: future.slice(1),
    gesture: undefined,
  };
}

const onlyUndone = (other, present) => ({
  ...present,
  ...Object.fromEntries(UNDONE.map((part) => [part, other[part]])),
});

const STEP_NAMES = {
  mix: "sliders",
  patch: "envelope",
  path: "path",
  pathSeconds: "path",
  locks: "locks",
  morph: "handle",
};

/** @param {import("./types.js").Slot} slot */
const bends = ({ sound: { sliders, raw } }) => JSON.stringify([sliders, raw]);
const straight = ({ sound, name }) => JSON.stringify([{ ...sound, sliders: undefined, raw: undefined }, name]);

/**
 * What a step from one project to the next changed, as a word for the button that takes it back.
 * @param {Project} before
 * @param {Project} after
 */
export function nameStep(before, after) {
  const slots = SLOTS.filter((slot) => before.slots[slot] !== after.slots[slot]);
  if (slots.some((slot) => bends(before.slots[slot]) !== bends(after.slots[slot])))
    if (slots.every((slot) => straight(before.slots[slot]) === straight(after.slots[slot]))) return "sliders";
  if (slots.length) return slots.length > 1 ? "sounds" : `sound ${slots[0].toUpperCase()}`;
  return STEP_NAMES[Object.keys(STEP_NAMES).find((part) => before[part] !== after[part])] ?? "change";
}

/**
 * What the next undo takes back, in words; null where there is nothing to undo.
 * @param {History} history
 */
export function nameUndo({ past, present }) {
  const last = past.at(-1);
  if (!last) return null;
  return last.kept ? nameChange(last.kept) : nameStep(last.project, present);
}

/**
 * What the next redo does again, in words; null where there is nothing to redo.
 * @param {History} history
 */
export function nameRedo({ present, future }) {
  const [next] = future;
  if (!next) return null;
  return next.kept ? nameChange(next.kept) : nameStep(present, next.project);
}
