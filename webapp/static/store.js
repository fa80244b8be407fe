// The project: all that is on the bench, as one plain JSON document, and the pure functions that change it.

export const FORMAT = 1;

export function instrumentNames(model) {
  return model.families.flatMap((family) => family.instruments.map((instrument) => instrument.name));
}

export function newProject(model) {
  const first = instrumentNames(model)[0];
  return {
    format: FORMAT,
    model: model.id,
    instruments: first ? { [first]: 1 } : {},
    seed: 0,
    sliders: Array(model.sliders).fill(0),
    note: clamp(60, model.low, model.high), // last played; pictures and downloads are of it
    octave: clamp(60, model.low, model.high), // where the computer keys and the narrow piano lie
    seconds: model.seconds, // length of a download
    ring: false, // notes sound on after their key is released
    audition: true, // a change of sound plays the last note
  };
}

// The project after `action`. Values out of range are brought into it; an action that makes no sense, or changes
// nothing, returns the very same object.
export function reduce(project, action, model) {
  switch (action.type) {
    case "pick":
      if (!instrumentNames(model).includes(action.instrument)) return project;
      return changed(project, { instruments: { [action.instrument]: 1 } });
    case "seed":
      if (!Number.isFinite(action.seed)) return project;
      return changed(project, { seed: clamp(Math.round(action.seed), 0, model.seedLimit) });
    case "slide":
      if (action.sliders.length !== model.sliders || !action.sliders.every(Number.isFinite)) return project;
      return changed(project, {
        sliders: action.sliders.map((value) => clamp(value, -model.sliderLimit, model.sliderLimit)),
      });
    case "reset":
      return changed(project, { sliders: Array(model.sliders).fill(0) });
    case "note":
      return changed(project, { note: clamp(action.pitch, model.low, model.high) });
    case "octave":
      return changed(project, { octave: clamp(action.octave, model.low, Math.max(model.low, model.high - 12)) });
    case "seconds":
      if (!Number.isFinite(action.seconds)) return project;
      return changed(project, { seconds: clamp(action.seconds, 0.1, model.seconds) });
    case "ring":
      return changed(project, { ring: Boolean(action.on) });
    case "audition":
      return changed(project, { audition: Boolean(action.on) });
    default:
      return project;
  }
}

// A project saved earlier, field by field through the same reducer as the hand's own changes, so that nothing in
// storage can put the bench in a state the page could not reach. `complaint` is a sentence, or null.
export function restore(text, model) {
  const fresh = newProject(model);
  if (!text) return { project: fresh, complaint: null };
  let saved;
  try {
    saved = JSON.parse(text);
  } catch {
    return { project: fresh, complaint: "What you had on the bench last time could not be read, so it is empty." };
  }
  if (!saved || typeof saved !== "object" || !Number.isInteger(saved.format)) {
    return { project: fresh, complaint: "What you had on the bench last time could not be read, so it is empty." };
  }
  if (saved.format > FORMAT) {
    return { project: fresh, complaint: "What you had on the bench last time was saved by a newer version of the studio." };
  }
  const actions = [
    { type: "pick", instrument: Object.keys(saved.instruments ?? {})[0] },
    { type: "seed", seed: saved.seed },
    { type: "slide", sliders: Array.isArray(saved.sliders) ? saved.sliders : [] },
    Number.isInteger(saved.note) && { type: "note", pitch: saved.note },
    Number.isInteger(saved.octave) && { type: "octave", octave: saved.octave },
    { type: "seconds", seconds: saved.seconds },
    { type: "ring", on: saved.ring },
    { type: "audition", on: saved.audition ?? true },
  ];
  const project = actions.filter(Boolean).reduce((state, action) => reduce(state, action, model), fresh);
  return { project, complaint: null };
}

// The part of a project that decides how notes sound, as the text that goes into URLs: equal text, equal sound.
export function soundText(project) {
  const { instruments, seed, sliders } = project;
  return JSON.stringify({ instruments, seed, sliders: sliders.map((value) => Math.round(value * 1000) / 1000) });
}

export function leadingInstrument(project) {
  const sorted = Object.entries(project.instruments).sort((a, b) => b[1] - a[1]);
  return sorted.length ? sorted[0][0] : null;
}

export function clamp(value, low, high) {
  return Math.min(high, Math.max(low, value));
}

function changed(project, part) {
  const same = Object.entries(part).every(([key, value]) => JSON.stringify(project[key]) === JSON.stringify(value));
  return same ? project : { ...project, ...part };
}
