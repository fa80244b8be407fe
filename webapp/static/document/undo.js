// Projects with undo.
/** @import { History, Project } from "./types.js" */

import { SLOTS } from "./project.js";

const UNDO_STEPS = 200;

// What undo takes back. What one plays on and how (note, octave, hold ...) stays as it is.
const UNDONE = ["slots", "morph", "mix", "path", "pathSeconds", "patch", "locks", "favourites", "basket"];

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
  const past = goesOn ? history.past : [...history.past, before].slice(-UNDO_STEPS);
  return { past, present: project, future: [], gesture };
}

/**
 * @param {History} history
 * @returns {History | null}  null where there is nothing to undo
 */
export function undo({ past, present, future }) {
  if (!past.length) return null;
  return {
    past: past.slice(0, -1),
    present: onlyUndone(past.at(-1), present),
    future: [present, ...future],
    gesture: undefined,
  };
}

/**
 * @param {History} history
 * @returns {History | null}  null where there is nothing to redo
 */
export function redo({ past, present, future }) {
  if (!future.length) return null;
  return {
    past: [...past, present],
    present: onlyUndone(future[0], present),
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
  favourites: "favourites",
  basket: "pack basket",
  path: "path",
  pathSeconds: "path",
  locks: "locks",
  morph: "handle",
};

/**
 * What a step from one project to the next changed, as a word for the button that takes it back.
 * @param {Project} before
 * @param {Project} after
 */
export function nameStep(before, after) {
  const slots = SLOTS.filter((slot) => before.slots[slot] !== after.slots[slot]);
  if (slots.length) return slots.length > 1 ? "sounds" : `sound ${slots[0].toUpperCase()}`;
  return STEP_NAMES[Object.keys(STEP_NAMES).find((part) => before[part] !== after[part])] ?? "change";
}
