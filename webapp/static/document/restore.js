// Projects that were saved earlier, by this version of the page or an older one.
/** @import { Action, Library, Model, Project } from "./types.js" */

import { checkedSound, knownBends, knownSound } from "./checked.js";
import { readLists } from "./library.js";
import { FORMAT, newProject, SLOTS } from "./project.js";
import { reduce } from "./store.js";

const UNREADABLE = "This project could not be read.";

/**
 * The project that `text` holds, field by field through the same reducer as the hand's own changes, so that nothing in
 * storage or a file can put the bench in a state the page could not reach. `complaint` is a sentence, or null; `lost` tells
 * how many of its sounds the model cannot play; `kept` holds the favourites and the basket that projects had before the
 * library.
 * @param {string | null} text
 * @param {Model} model
 * @returns {{project: Project, complaint: string | null, lost: number, kept: Library}}
 */
export function restore(text, model) {
  const refuse = (complaint) => ({ project: newProject(model), complaint, lost: 0, kept: readLists({}, model).kept });
  if (!text) return refuse(null);
  try {
    const saved = JSON.parse(text);
    if (!Number.isInteger(saved.format) || saved.format < 1) return refuse(UNREADABLE);
    if (saved.format > FORMAT) return refuse("This project was saved by a newer version of the studio.");
    if (saved.model !== undefined && saved.model !== model.id) {
      return refuse(`This project belongs to the model '${String(saved.model).slice(0, 60)}', not to '${model.id}'.`);
    }
    return rebuild(saved, model);
  } catch {
    return refuse(UNREADABLE); // not JSON, or of another shape than any project
  }
}

/**
 * @param {any} saved  of a known format
 * @param {Model} model
 */
function rebuild(saved, model) {
  for (let format = saved.format; format < FORMAT; format++) saved = UPGRADES[format](saved, model);
  const list = (value) => (Array.isArray(value) ? value : []);
  const slots = SLOTS.filter((slot) => saved.slots[slot]);
  const sounds = new Map(slots.map((slot) => [slot, knownSound(saved.slots[slot].sound, model)]));
  const { kept, lost } = readLists({ favourites: saved.favourites, basket: saved.basket }, model);
  /** @type {(Action | false)[]} */
  const actions = [
    ...slots.map((slot) => put(slot, sounds.get(slot), saved.slots[slot].name)),
    { type: "handle", ...saved.morph },
    { type: "path", path: list(saved.path), seconds: saved.pathSeconds },
    { ...saved.phrase, type: "phrase" },
    ...list(saved.locks)
      .filter((name) => typeof name === "string")
      .map(lock),
    { type: "patch", patch: saved.patch ?? {} },
    Number.isInteger(saved.note) && { type: "note", pitch: saved.note },
    Number.isInteger(saved.octave) && { type: "octave", octave: saved.octave },
    { type: "seconds", seconds: saved.seconds },
    { type: "hold", on: saved.hold },
    { type: "audition", on: saved.audition ?? true },
    { type: "tuning", tuning: saved.tuning ?? null },
  ];
  const project = actions.reduce((state, action) => (action ? reduce(state, action, model) : state), newProject(model));
  const mix = knownBends(checkedSound({ instruments: {}, seed: 0, ...saved.mix }) ?? {}, model);
  const mute = [...sounds.values()].filter((sound) => sound === null).length;
  return { project: { ...project, mix }, complaint: null, lost: mute + lost, kept };
}

/** @returns {Action} */
const put = (slot, sound, name) => ({
  type: "put",
  slot,
  sound,
  name: typeof name === "string" ? name.slice(0, 120) : null,
  stay: true,
});
/** @returns {Action} */
const lock = (name) => ({ type: "lock", name, on: true });

/**
 * What each format lacks of the next, by its number.
 * @type {Record<number, (saved: any, model: Model) => any>}
 */
const UPGRADES = {
  1: (saved, model) => {
    const names = model.directions.map((direction) => direction.name);
    const sliders = Object.fromEntries(
      (saved.sliders ?? [])
        .map((amount, index) => [`component ${index + 1}`, amount])
        .filter(([name]) => names.includes(name)),
    );
    const sound = { instruments: saved.instruments ?? {}, seed: saved.seed ?? 0, sliders };
    return { ...saved, format: 2, slots: { a: { sound } }, hold: saved.ring };
  },
  2: (saved) => ({ ...saved, format: 3 }), // whose favourites and basket lie in the library
};
