// The studio behind the rooms: one project, one engine, one fetcher, and who is told when one of them changes.

import { ask, createFetcher, octaveBlocks, persist, retryAfter, whileRetrying } from "./net.js";
import { createEngine } from "./engine.js";
import { reduce, restore, soundText } from "./store.js";
import { toast } from "./dom.js";

const address = (path) => new URL(`gradio_api/studio/${path}`, document.baseURI);
const AUDITION_MS = 1500;
const TAP_MS = 200; // a key let go before its note arrived still sounds this long
const SAVE_MS = 300;

let opening = null;

// The one studio of this page, once the model has introduced itself.
export function openStudio() {
  const introduce = () => ask(address("model")).then((answer) => answer.json());
  opening ??= persist(introduce, { onRetry: (error) => toast(whileRetrying(error)) })
    .then(createStudio)
    .catch((error) => {
      opening = null;
      toast(error.message);
      throw error;
    });
  return opening;
}

function createStudio(model) {
  const storageKey = `gansynth-studio:${model.id}`;
  const blocks = octaveBlocks(model.low, model.high);
  const rooms = new Map(); // name -> {project, keys, status} callbacks of the rooms on the page
  const held = new Map(); // pitch -> voice, or "waiting" | "tapped" until its sound is there
  let auditionDue = false;
  let auditioned = null;
  let status = { busy: false, error: null };
  let saving = null;

  let { project, complaint } = restore(readStorage(storageKey), model);
  if (complaint) toast(complaint);

  const tell = (what, ...details) => rooms.forEach((room) => room[what]?.(...details));

  const engine = createEngine({
    rate: model.rate,
    onState: () => {
      flush();
      tell("power");
    },
    onVoices: () => tell("keys"),
  });
  engine.setRing(project.ring);

  const fetcher = createFetcher({
    blocks,
    fetchBlock: async (sound, { low, high }) => {
      const answer = await ask(noteAddress("notes", { sound, low, high }));
      return new Int16Array(await answer.arrayBuffer());
    },
    onBlock: (block, samples) => {
      engine.load(block, samples);
      flush();
      audition();
    },
    onState: (next) => {
      if (next.error) {
        // Keys that waited must not sound out of the blue minutes later.
        for (const [pitch, state] of held) if (typeof state === "string") held.delete(pitch);
        if (retryAfter(next.error) === null) toast(next.error.message);
        tell("keys");
      }
      status = next;
      tell("status");
    },
  });

  function noteAddress(kind, parameters) {
    const url = address(`${model.digest}/${kind}`);
    for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
    return url;
  }

  // Sounds the keys that waited for their octave, or for the sound to be switched on.
  function flush() {
    for (const [pitch, state] of engine.isRunning() ? held : []) {
      if (!engine.has(pitch) || typeof state !== "string") continue;
      const voice = engine.noteOn(pitch);
      if (state === "waiting") {
        held.set(pitch, voice);
      } else {
        held.delete(pitch);
        setTimeout(() => engine.noteOff(voice), TAP_MS);
      }
    }
    tell("keys");
  }

  function audition() {
    if (!auditionDue || !engine.isRunning() || held.size || !engine.has(project.note)) return;
    auditionDue = false;
    if (auditioned) engine.cut(auditioned);
    const voice = engine.noteOn(project.note, { short: true });
    auditioned = voice;
    setTimeout(() => engine.noteOff(voice), AUDITION_MS);
  }

  function dispatch(action) {
    const before = project;
    project = reduce(before, action, model);
    if (project === before) return;
    if (soundText(project) !== soundText(before)) {
      engine.clear();
      auditionDue = project.audition;
      fetcher.setFocus(project.note);
      fetcher.setSound(soundText(project));
      tell("keys");
    }
    if (project.ring !== before.ring) engine.setRing(project.ring);
    clearTimeout(saving);
    saving = setTimeout(save, SAVE_MS);
    tell("project", before);
  }

  function save() {
    clearTimeout(saving);
    try {
      localStorage.setItem(storageKey, JSON.stringify(project));
    } catch {
      // Private windows may refuse storage; playing goes on, only the reload forgets.
    }
  }

  function press(pitch) {
    if (pitch < model.low || pitch > model.high || held.has(pitch)) return;
    auditionDue = false;
    const ready = engine.isRunning() && engine.has(pitch);
    held.set(pitch, ready ? engine.noteOn(pitch) : "waiting");
    if (!engine.has(pitch)) fetcher.want(pitch);
    dispatch({ type: "note", pitch });
    tell("keys");
  }

  function lift(pitch) {
    const state = held.get(pitch);
    if (state === undefined) return;
    if (state === "waiting") {
      held.set(pitch, "tapped");
    } else if (state !== "tapped") {
      held.delete(pitch);
      engine.noteOff(state);
    }
    tell("keys");
  }

  window.addEventListener("pagehide", save);
  // Any gesture will do to switch the sound on; the veil over the piano only says so.
  for (const gesture of ["pointerdown", "pointerup", "keydown"]) {
    window.addEventListener(gesture, () => engine.isRunning() || engine.enable(), { capture: true });
  }

  const studio = {
    model,
    engine,
    dispatch,
    press,
    lift,
    noteAddress,
    pitchName: (pitch) => model.keys[pitch - model.low],
    get project() {
      return project;
    },
    get status() {
      return status;
    },
    // Called by Gradio for every step of a native slider.
    slide: (sliders) => dispatch({ type: "slide", sliders }),
    silence() {
      for (const pitch of [...held.keys()]) lift(pitch);
      held.clear();
      engine.silence();
      tell("keys");
    },
    // Which keys are down, wait for their sound, or sound: sets of pitches.
    keys() {
      const waiting = [...held].filter(([, state]) => typeof state === "string").map(([pitch]) => pitch);
      const down = [...held].filter(([, state]) => state !== "tapped").map(([pitch]) => pitch);
      return { down: new Set(down), waiting: new Set(waiting), sounding: engine.sounding() };
    },
    blocks: () => blocks.map((block) => ({ ...block, loaded: engine.has(block.low) && engine.has(block.high) })),
    isQuiet: () => fetcher.isIdle() && held.size === 0,
    // A room that Gradio mounts again takes the place of its former self.
    enter(name, callbacks) {
      rooms.set(name, callbacks);
      return studio;
    },
  };
  window.studio = studio;
  fetcher.setFocus(project.note);
  fetcher.setSound(soundText(project));
  return studio;
}

function readStorage(key) {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}
