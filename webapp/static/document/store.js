// The project: all that is on the bench, as one plain JSON document, and the pure functions that change it.

import { PHRASES, TEMPO } from "./phrases.js";
import { canonical, checkedSound, instrumentOf, leadingInstrument, SEED_LIMIT, soundText } from "./sound.js";

export const FORMAT = 2;
export const SLOTS = ["a", "b", "c", "d"]; // the ends of the line; with c and d the corners of the pad
const UNDO_STEPS = 200;
export const HELD = 0.75; // of a model's note, as in gansynth_core/descriptors.py: what follows is its release
const SHORTEST_PATH = 0.2; // seconds
const MOST_PATH = 1000; // points
const MOST_KEPT = 2000; // favourites, and sounds in the basket

// Changes of these are not steps one wants to undo.
const UNDONE = ["slots", "morph", "mix", "path", "pathSeconds", "patch", "locks", "favourites", "basket"];

export function instrumentNames(model) {
  return model.families.flatMap((family) => family.instruments.map((instrument) => instrument.name));
}

export function instrumentSound(name, seed = 0) {
  return { instruments: name ? { [name]: 1 } : {}, seed };
}

export const PATCH = { attack: 0, decay: 0, sustain: 1, release: 0.4, gain: 0 }; // seconds, seconds, share, seconds, dB
export const PATCH_RANGES = { attack: [0, 2], decay: [0, 3], sustain: [0, 1], release: [0.01, 3], gain: [-24, 12] };
const PHRASE = { name: PHRASES[0].name, tempo: 110, loop: true };

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
    morph: { mode: "line", t: 0, x: 0, y: 0 }, // where the handle is: on the line a-b, or on the pad a b / c d
    mix: { sliders: {}, raw: {} }, // what bends the sound while the handle is between slots
    path: [], // drawn over the pad: [share of the time, x, y], rising
    pathSeconds: HELD * model.seconds, // how long one goes along it
    locks: [], // directions that randomise leaves alone
    patch: { ...PATCH },
    phrase: { ...PHRASE },
    favourites: [], // {id, name, tags, sound, note}
    basket: [], // {id, name, sound, tags, note, patch?}: what goes into the next sample pack
    note: clamp(60, model.low, model.high), // last played; pictures, auditions and downloads are of it
    octave: clamp(60, model.low, model.high), // where the computer keys and the narrow piano lie
    seconds: model.seconds, // length of a download
    hold: false, // notes sound on after their key is released
    audition: true, // a change of sound plays the last note
  };
}

// Which slot the handle stands on, or "mix" between them.
export function target(project) {
  const { mode, t, x, y } = project.morph;
  if (mode === "line") return t === 0 ? "a" : t === 1 ? "b" : "mix";
  const corner = [x, y].every((value) => value === 0 || value === 1);
  return corner ? SLOTS[x + 2 * y] : "mix";
}

// The sound that plays: a slot's, or what lies between them where the handle stands.
export function soundOf(project) {
  const at = target(project);
  if (at !== "mix") return project.slots[at].sound;
  return { ...soundAt(project, project.morph), ...project.mix };
}

// The sound at a place of the line ({t}) or the pad ({x, y}), without the bends of the mix.
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

// What the sliders show and change: {sliders, raw} of the slot under the handle, or of the mix.
export function bendsOf(project) {
  const at = target(project);
  const { sliders = {}, raw = {} } = at === "mix" ? project.mix : project.slots[at].sound;
  return { sliders, raw };
}

// The project after `action`. Values out of range are brought into it; an action that makes no sense, or changes
// nothing, returns the very same object.
export function reduce(project, action, model) {
  switch (action.type) {
    case "put": {
      // a sound into a slot; the handle goes there unless `stay`
      const sound = checkedSound(action.sound);
      if (!sound || !SLOTS.includes(action.slot)) return project;
      return putInto(project, action.slot, { sound, name: action.name ?? null }, action.stay);
    }
    case "pick": {
      // an instrument into a slot, keeping that slot's seed
      if (!instrumentNames(model).includes(action.instrument)) return project;
      const slot = action.slot ?? handSlot(project);
      const seed = project.slots[slot].sound.seed ?? 0;
      const { sliders, raw } = project.slots[slot].sound;
      return putInto(
        project,
        slot,
        { sound: { ...instrumentSound(action.instrument, seed), sliders, raw }, name: null },
        action.stay,
      );
    }
    case "seed": {
      if (!Number.isFinite(action.seed)) return project;
      const slot = action.slot ?? handSlot(project);
      const before = project.slots[slot].sound;
      const name = leadingInstrument(before);
      const instruments =
        before.instruments && before.z === undefined ? before.instruments : instrumentSound(name).instruments;
      const seed = clamp(Math.round(action.seed), 0, SEED_LIMIT);
      const { sliders, raw } = before;
      return putInto(project, slot, { sound: { instruments, seed, sliders, raw }, name: null }, action.stay);
    }
    case "slide": {
      // amounts along directions, by name
      const amounts = Object.entries(action.sliders);
      if (!amounts.every(([, amount]) => Number.isFinite(amount))) return project;
      const { sliders } = bendsOf(project);
      const moved = amounts.map(([name, amount]) => [name, clamp(amount, -model.sliderLimit, model.sliderLimit)]);
      return bend(project, { sliders: { ...sliders, ...Object.fromEntries(moved) } });
    }
    case "raw": {
      // numbers of z by index; null gives one back to the sound
      const raw = { ...bendsOf(project).raw };
      for (const [index, value] of Object.entries(action.values)) {
        if (!(Number(index) >= 0 && Number(index) < model.latentSize)) return project;
        if (value === null) delete raw[index];
        else if (Number.isFinite(value)) raw[index] = clamp(value, -model.rawLimit, model.rawLimit);
      }
      return bend(project, { raw });
    }
    case "reset":
      return bend(project, { sliders: keepLocked(project), raw: {} });
    case "lock": {
      const locks = project.locks.filter((name) => name !== action.name);
      return changed(project, { locks: action.on ? [...locks, action.name] : locks });
    }
    case "handle": {
      const given = ["t", "x", "y"].filter((axis) => Number.isFinite(action[axis]));
      const moved = Object.fromEntries(given.map((axis) => [axis, clamp(action[axis], 0, 1)]));
      const mode = ["line", "pad"].includes(action.mode) ? action.mode : project.morph.mode;
      return changed(project, { morph: { ...project.morph, ...moved, mode } });
    }
    case "swap": {
      // a and b change places; what sounds stays what it is
      const { a, b } = project.slots;
      const { morph } = project;
      return changed(project, { slots: { ...project.slots, a: b, b: a }, morph: { ...morph, t: 1 - morph.t } });
    }
    case "span": {
      // both ends of the line and the handle on it, at once
      const ends = [action.a, action.b].map((end) => checkedSound(end));
      if (ends.includes(null) || !Number.isFinite(action.t)) return project;
      const [a, b] = ends.map((sound) => ({ sound: canonical(sound), name: null }));
      const morph = { ...project.morph, mode: "line", t: clamp(action.t, 0, 1) };
      return changed(project, { slots: { ...project.slots, a, b }, morph });
    }
    case "path": {
      // and how long it takes; none where it is not given
      const seconds = Number.isFinite(action.seconds)
        ? clamp(action.seconds, SHORTEST_PATH, model.seconds)
        : project.pathSeconds;
      const path = action.path ?? project.path;
      return checkedPath(path) ? changed(project, { path, pathSeconds: seconds }) : project;
    }
    case "patch":
      return changed(project, { patch: patched(project.patch, action.patch) });
    case "phrase": {
      const phrase = { ...project.phrase };
      if (PHRASES.some(({ name }) => name === action.name)) phrase.name = action.name;
      if (Number.isFinite(action.tempo)) phrase.tempo = clamp(Math.round(action.tempo), ...TEMPO);
      if (typeof action.loop === "boolean") phrase.loop = action.loop;
      return changed(project, { phrase });
    }
    case "keep": // an `item` or several `items` into `list` ("favourites" or "basket")
    case "forget":
    case "rename":
    case "move": // item `id` of `list` to the place `to`
      return kept(project, action);
    case "note":
      return changed(project, { note: clamp(action.pitch, model.low, model.high) });
    case "octave":
      return changed(project, { octave: clamp(action.octave, model.low, Math.max(model.low, model.high - 12)) });
    case "seconds":
      if (!Number.isFinite(action.seconds)) return project;
      return changed(project, { seconds: clamp(action.seconds, 0.1, model.seconds) });
    case "hold":
      return changed(project, { hold: Boolean(action.on) });
    case "audition":
      return changed(project, { audition: Boolean(action.on) });
    default:
      return project;
  }
}

// The slot that a choice without a slot goes to: the one under the handle, else the nearest.
export function handSlot(project) {
  const at = target(project);
  if (at !== "mix") return at;
  const { mode, t, x, y } = project.morph;
  return mode === "line" ? (t > 0.5 ? "b" : "a") : SLOTS[Math.round(x) + 2 * Math.round(y)];
}

const PLACES = { a: { t: 0, x: 0, y: 0 }, b: { t: 1, x: 1, y: 0 }, c: { x: 0, y: 1 }, d: { x: 1, y: 1 } };

function putInto(project, slot, content, stay) {
  const morph = stay ? project.morph : { ...project.morph, ...PLACES[slot] };
  if (!stay && slot > "b") morph.mode = "pad";
  return changed(project, {
    slots: { ...project.slots, [slot]: { ...content, sound: canonical(content.sound) } },
    morph,
  });
}

function bend(project, part) {
  const at = target(project);
  if (at === "mix") return changed(project, { mix: { ...project.mix, ...part } });
  const slot = project.slots[at];
  return changed(project, {
    slots: { ...project.slots, [at]: { ...slot, sound: canonical({ ...slot.sound, ...part }) } },
  });
}

// Points [share of the time, x, y] that rise in time from 0 to 1; none at all is a path too.
function checkedPath(path) {
  if (!Array.isArray(path) || path.length > MOST_PATH) return false;
  if (
    !path.every(
      (point) => Array.isArray(point) && point.length === 3 && point.every((value) => value >= 0 && value <= 1),
    )
  )
    return false;
  if (!path.length) return true;
  return (
    path[0][0] === 0 && path.at(-1)[0] === 1 && path.every(([time], index) => index === 0 || time > path[index - 1][0])
  );
}

const keepLocked = (project) =>
  Object.fromEntries(Object.entries(bendsOf(project).sliders).filter(([name]) => project.locks.includes(name)));

function kept(project, { type, list, id, item, items: several = [item], change, to }) {
  if (list !== "favourites" && list !== "basket") return project;
  const items = project[list];
  if (type === "forget") return changed(project, { [list]: items.filter((one) => one.id !== id) });
  if (type === "move") {
    const moved = items.find((one) => one.id === id);
    if (!moved || !Number.isInteger(to)) return project;
    const others = items.filter((one) => one !== moved);
    return changed(project, { [list]: others.toSpliced(clamp(to, 0, others.length), 0, moved) });
  }
  if (type === "rename") {
    return changed(project, {
      [list]: items.map((one) => (one.id === id ? (checkedItem({ ...one, ...change }) ?? one) : one)),
    });
  }
  const known = new Set(items.map((one) => one.id));
  const good = several.map(checkedItem).filter((one) => one && !known.has(one.id));
  const added = list === "basket" ? good.map((one) => asPlayed(one, project.patch)) : good;
  return changed(project, { [list]: [...items, ...added].slice(0, MOST_KEPT) });
}

// A sound in the basket keeps the envelope that it was played with, where that does anything.
function asPlayed(item, patch) {
  const shape = item.patch ?? patch;
  return JSON.stringify(shape) === JSON.stringify(PATCH) ? item : { ...item, patch: { ...shape } };
}

function patched(patch, change) {
  const next = { ...patch };
  for (const [name, [low, high]] of Object.entries(PATCH_RANGES)) {
    if (Number.isFinite(change[name])) next[name] = clamp(change[name], low, high);
  }
  return next;
}

export function checkedItem(item) {
  const sound = checkedSound(item?.sound);
  if (!sound || typeof item.id !== "string" || typeof item.name !== "string") return null;
  const tags = Array.isArray(item.tags)
    ? item.tags
        .filter((tag) => typeof tag === "string")
        .map((tag) => tag.slice(0, 40))
        .slice(0, 20)
    : [];
  const note = Number.isInteger(item.note) ? item.note : 60;
  const patch = item.patch && typeof item.patch === "object" ? { patch: patched(PATCH, item.patch) } : {};
  return { id: item.id, name: item.name.slice(0, 120), tags, sound: canonical(sound), note, ...patch };
}

// Projects with undo: {past, present, future}. Steps of one `gesture` (any value but undefined) are undone as one.
export const beginHistory = (project) => ({ past: [], present: project, future: [], gesture: undefined });

export function step(history, project, gesture) {
  const before = history.present;
  if (project === before) return history;
  if (UNDONE.every((part) => project[part] === before[part])) return { ...history, present: project };
  const goesOn = gesture !== undefined && gesture === history.gesture;
  const past = goesOn ? history.past : [...history.past, before].slice(-UNDO_STEPS);
  return { past, present: project, future: [], gesture };
}

// What one plays on and how (note, octave, hold ...) stays as it is.
export function undo({ past, present, future }) {
  if (!past.length) return null;
  return {
    past: past.slice(0, -1),
    present: onlyUndone(past.at(-1), present),
    future: [present, ...future],
    gesture: undefined,
  };
}

export function redo({ past, present, future }) {
  if (!future.length) return null;
  return {
    past: [...past, present],
    present: onlyUndone(future[0], present),
    future: future.slice(1),
    gesture: undefined,
  };
}

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

// What a step from one project to the next changed, as a word for the button that takes it back.
export function nameStep(before, after) {
  const slots = SLOTS.filter((slot) => before.slots[slot] !== after.slots[slot]);
  if (slots.length) return slots.length > 1 ? "sounds" : `sound ${slots[0].toUpperCase()}`;
  return STEP_NAMES[Object.keys(STEP_NAMES).find((part) => before[part] !== after[part])] ?? "change";
}

const onlyUndone = (other, present) => ({
  ...present,
  ...Object.fromEntries(UNDONE.map((part) => [part, other[part]])),
});

// A project saved earlier, field by field through the same reducer as the hand's own changes, so that nothing in
// storage or a file can put the bench in a state the page could not reach. `complaint` is a sentence, or null; `lost`
// tells how many of its sounds the model cannot play.
export function restore(text, model) {
  const refuse = (complaint) => ({ project: newProject(model), complaint, lost: 0 });
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

const UNREADABLE = "This project could not be read.";

function rebuild(saved, model) {
  for (let format = saved.format; format < FORMAT; format++) saved = UPGRADES[format](saved, model);
  const list = (value) => (Array.isArray(value) ? value : []);
  const slots = SLOTS.filter((slot) => saved.slots[slot]);
  const sounds = new Map(slots.map((slot) => [slot, knownSound(saved.slots[slot].sound, model)]));
  const items = ["favourites", "basket"].flatMap((name) =>
    list(saved[name]).map((item) => ({ list: name, item: { ...item, sound: knownSound(item?.sound, model) } })),
  );
  const actions = [
    ...slots.map((slot) => ({
      type: "put",
      slot,
      sound: sounds.get(slot),
      name: text40(saved.slots[slot].name),
      stay: true,
    })),
    { type: "handle", ...saved.morph },
    { type: "path", path: list(saved.path), seconds: saved.pathSeconds },
    { ...saved.phrase, type: "phrase" },
    ...list(saved.locks)
      .filter((name) => typeof name === "string")
      .map((name) => ({ type: "lock", name, on: true })),
    ...items.map((item) => ({ type: "keep", ...item })),
    { type: "patch", patch: saved.patch ?? {} }, // after the basket, whose sounds have envelopes of their own
    Number.isInteger(saved.note) && { type: "note", pitch: saved.note },
    Number.isInteger(saved.octave) && { type: "octave", octave: saved.octave },
    { type: "seconds", seconds: saved.seconds },
    { type: "hold", on: saved.hold },
    { type: "audition", on: saved.audition ?? true },
  ];
  let project = actions.filter(Boolean).reduce((state, action) => reduce(state, action, model), newProject(model));
  const mix = knownBends(checkedSound({ instruments: {}, seed: 0, ...saved.mix }) ?? {}, model);
  project = changed(project, { mix: { sliders: {}, raw: {}, ...mix } });
  const lost = [...sounds.values(), ...items.map(({ item }) => item.sound)].filter((sound) => sound === null).length;
  return { project, complaint: null, lost };
}

const text40 = (value) => (typeof value === "string" ? value.slice(0, 120) : null);

// The sound as far as the model can play it, else null: an unknown instrument or numbers of another size would leave the
// whole bench mute. Sliders that it lacks are left out.
export function knownSound(sound, model) {
  const checked = checkedSound(sound);
  const names = new Set(instrumentNames(model));
  const letters = Math.ceil((model.latentSize * 16) / 3); // base64 of float32
  function known(part) {
    const bends = knownBends(part, model);
    if (part.morph || part.blend) {
      const ends = part.morph ? part.morph.map(known) : part.blend.map(([one, weight]) => [known(one), weight]);
      if (ends.flat().includes(null)) return null;
      return part.morph ? { morph: ends, at: part.at, ...bends } : { blend: ends, ...bends };
    }
    if (!Object.keys(part.instruments).every((name) => names.has(name))) return null;
    if (part.z !== undefined && (part.z.length !== letters || /[^\w-]/.test(part.z))) return null;
    return { ...part, sliders: undefined, raw: undefined, ...bends };
  }
  return checked && known(checked);
}

function knownBends({ sliders = {}, raw = {} }, model) {
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
};

export function clamp(value, low, high) {
  return Math.min(high, Math.max(low, value));
}

function changed(project, part) {
  const same = Object.entries(part).every(([key, value]) => JSON.stringify(project[key]) === JSON.stringify(value));
  return same ? project : { ...project, ...part };
}

export { instrumentOf, soundText };
