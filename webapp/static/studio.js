// The studio behind the rooms: one project, one engine, one fetcher, and who is told when one of them changes.
//
// What a room may do: read `studio.project`, `studio.sound` (what plays now) and `studio.model`; change the project by
// `dispatch(action)`, or by `drag(action)` for every step of a movement, which is heard as it goes, and `drop()` at its
// end (or `cancel()`), undone as one step; play keys by `press(pitch, velocity 0 to 1)` and `lift`, the `pedal(on)` and
// the `phrase`; let another sound be heard by `listen(sound)`, without touching the bench. `enter(name, callbacks)` tells
// it of changes: project(before), keys(), status(), power(), silence(), and of a sound that somebody listened to:
// heard(sound, pitch).

import {
  ask,
  createFetcher,
  createNewest,
  createNoteCache,
  keyBlocks,
  persist,
  retryAfter,
  whileRetrying,
} from "./server/net.js";
import { createEngine } from "./audio/engine.js";
import { levelled } from "./audio/keyframes.js";
import { dbToGain } from "./audio/adsr.js";
import { takesText } from "./parts/keys.js";
import { matchDb } from "./audio/loudness.js";
import { createPhrasePlayer } from "./audio/phrase.js";
import { soundText } from "./document/sound.js";
import { soundOf } from "./document/project.js";
import { restore } from "./document/restore.js";
import { reduce } from "./document/store.js";
import { beginHistory, nameStep, redo, step, undo } from "./document/undo.js";
import { toast } from "./parts/dom.js";
import { readStorage, writeStorage } from "./parts/storage.js";

const address = (path) => new URL(`gradio_api/studio/${path}`, document.baseURI);
const AUDITION_MS = 1500;
const TAP_MS = 200; // a key let go before its note arrived still sounds this long
const SAVE_MS = 300;
const LISTEN_MS = 600; // what goes on listening asks again within this
const REST_MS = 700; // a sound that stays this long was listened to
const CACHED_NOTES = 400; // 77 MB of int16
const VELOCITY = 0.8; // of keys that do not tell how hard they are hit
const LONGEST_ADDRESS = 6000; // characters of a sound in an address; longer ones go in a request's body

let opening = null;

// The model that the page's address names (`?model=acoustic`), or the one that the app was started with.
async function introduce() {
  const url = address("model");
  const id = new URLSearchParams(location.search).get("model");
  if (id) url.searchParams.set("id", id);
  try {
    return await (await ask(url)).json();
  } catch (error) {
    if (!id || error.status !== 404) throw error;
    toast(error.message);
    url.searchParams.delete("id");
    return (await ask(url)).json();
  }
}

// Opens the page anew with another model; each has a project of its own.
function changeModel(id) {
  const url = new URL(location.href);
  url.searchParams.set("model", id);
  url.hash = "";
  location.assign(url);
}

// The one studio of this page, once the model has introduced itself.
export function openStudio() {
  opening ??= persist(introduce, { onRetry: (error) => toast(whileRetrying(error)) })
    .then(createStudio)
    .catch((error) => {
      opening = null;
      toast(error.message);
      window.dispatchEvent(new Event("studio:unavailable"));
      throw error;
    });
  return opening;
}

function createStudio(model) {
  const storageKey = `gansynth-studio:${model.id}`;
  const blocks = keyBlocks(model.low, model.high);
  const rooms = new Map(); // name -> {project, keys, status, power} callbacks of the rooms on the page
  const held = new Map(); // pitch -> {voice} or {waiting: "held" | "tapped"} until its sound is there, with velocity
  const notes = createNoteCache(CACHED_NOTES);
  const arrived = new Map(); // pitch -> text of the sound whose note of it came last
  let phraseVoices = [];
  let pedalDown = false;
  let auditionDue = false;
  let auditioned = null;
  let dragging = null; // the gesture under way: a number of its own
  let gestures = 0;
  let listening = null; // until when the keyboard waits for one who listens about
  let origin = null; // the history before that gesture
  let liveText = null;
  let resting = null; // {what, timer}: the sound that plays, on its way to having been heard
  let status = { busy: false, error: null };
  let saving = null;

  const stored = restore(readStorage(storageKey), model);
  if (stored.complaint) toast(`${stored.complaint} The bench is as new.`);
  let history = beginHistory(stored.project);
  let sound = soundOf(history.present);
  let text = soundText(sound);

  const tell = (what, ...details) => rooms.forEach((room) => room[what]?.(...details));

  const engine = createEngine({
    rate: model.rate,
    onState: () => {
      flush();
      tell("power");
    },
    onVoices: () => tell("keys"),
  });
  engine.setHold(history.present.hold);
  engine.setPatch(history.present.patch);

  const fetcher = createFetcher({
    blocks,
    has: notes.has,
    fetchBlock: (sound, block) => fetchNotes(sound, block),
    onBlock: (asked, { low, high }, samples) => {
      keepNotes(asked, low, high, samples);
      if (asked === text) flush();
      follow(asked);
      audition();
    },
    onState: (next) => {
      if (next.error) {
        // Keys that waited must not sound out of the blue minutes later.
        for (const [pitch, state] of held) if (!state.voice) held.delete(pitch);
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

  // Asks a route of this model: by address, which browsers may keep, or in a body where a sound is too long for one.
  function askModel(kind, parameters, options = {}) {
    if ((parameters.sound?.length ?? 0) < LONGEST_ADDRESS) return ask(noteAddress(kind, parameters), options);
    return askBody(kind, parameters, options);
  }

  function askBody(kind, parameters, options = {}) {
    const headers = { "Content-Type": "application/json" };
    return ask(address(`${model.digest}/${kind}`), {
      ...options,
      method: "POST",
      headers,
      body: JSON.stringify(parameters),
    });
  }

  // A file as the body of a request to this model, with its name beside it.
  const sendFile = (kind, file, type) =>
    ask(noteAddress(kind, { name: file.name }), { method: "POST", headers: { "Content-Type": type }, body: file });

  // Any sound as its numbers alone; refused where the model cannot play it.
  const flatten = (other) => askModel("timbre", { sound: soundText(other) }).then((answer) => answer.json());

  const fetchNotes = (sound, { low, high }, signal) =>
    askModel("notes", { sound, low, high }, { signal }).then(
      async (answer) => new Int16Array(await answer.arrayBuffer()),
    );

  function keepNotes(asked, low, high, samples) {
    const length = samples.length / (high - low + 1);
    for (let pitch = low; pitch <= high; pitch++) {
      arrived.set(pitch, asked);
      // A copy: a view would keep the whole block in memory for as long as one of its notes is kept.
      if (!notes.has(asked, pitch))
        notes.put(asked, pitch, samples.slice((pitch - low) * length, (pitch - low + 1) * length));
    }
  }

  const has = (pitch) => notes.has(text, pitch);

  // A sound counts as heard once it has rested; what a drag passes by does not.
  function rest(what, pitch) {
    if (dragging !== null || resting?.what === what) return;
    moveOn();
    const timer = setTimeout(() => {
      resting = null;
      tell("heard", JSON.parse(what), pitch);
    }, REST_MS);
    resting = { what, timer };
  }

  function moveOn() {
    clearTimeout(resting?.timer);
    resting = null;
  }

  // Another sound in place of the present one, as loud as it is, for as long as `comparing` says so.
  let comparing = null; // text of the other sound

  async function compare(other) {
    const what = soundText(other);
    comparing = what;
    if (resting) moveOn();
    await Promise.all([prepare([other]), prepare([sound])]);
    if (comparing === what) compareNow();
  }

  function compareOff() {
    if (comparing === null) return;
    comparing = null;
    compareNow();
  }

  // What sounds goes over to the sound whose turn it is; where nothing does, its note is played.
  function compareNow() {
    const what = comparing ?? text;
    const levelAt = (pitch) =>
      comparing === null ? 1 : dbToGain(matchDb(notes.get(comparing, pitch), notes.get(text, pitch), model.rate));
    const { note } = history.present;
    const sounding = [...held].filter(([, { voice }]) => voice).map(([pitch, { voice }]) => [pitch, voice]);
    if (!held.size && auditioned && engine.sounding().has(note)) sounding.push([note, auditioned]);
    for (const [pitch, voice] of sounding) {
      const samples = notes.get(what, pitch);
      if (samples && notes.has(text, pitch))
        engine.crossTo(voice, [{ samples, share: levelAt(pitch) }], comparing === null ? text : `as loud: ${what}`);
    }
    if (sounding.length || held.size || !engine.isRunning() || !notes.has(what, note) || !has(note)) return;
    playOnce(notes.get(what, note), comparing === null ? text : null, { share: levelAt(note) });
  }

  // Sounds the keys that waited for their note, or for the sound to be switched on; those that sound go over to it.
  function flush() {
    for (const [pitch, state] of engine.isRunning() ? held : []) {
      const samples = notes.get(text, pitch);
      if (!samples) continue;
      if (state.voice) {
        if (comparing !== null) continue;
        engine.crossTo(state.voice, [{ samples, share: 1 }], text);
        rest(text, pitch);
        continue;
      }
      const voice = engine.noteOn(pitch, samples, { velocity: state.velocity, text });
      rest(text, pitch);
      if (state.waiting === "held") {
        held.set(pitch, { voice });
      } else {
        held.delete(pitch);
        setTimeout(() => engine.noteOff(voice), TAP_MS);
      }
    }
    tell("keys");
  }

  // Whether keys or the phrase let the sound be heard already.
  const isPlaying = () => held.size > 0 || phrase.isOn();

  // The live voice plays the newest sound that is there: exact for the present one, late ones rather than none.
  function follow(asked) {
    if (dragging === null || isPlaying() || !engine.isRunning() || !history.present.audition) return;
    if (liveText === text && asked !== text) return;
    const samples = notes.get(asked, history.present.note);
    if (!samples) return;
    liveText = asked;
    engine.live([{ samples, share: 1 }]);
  }

  function audition() {
    const { note } = history.present;
    if (!auditionDue || !engine.isRunning() || isPlaying() || !has(note)) return;
    auditionDue = false;
    playOnce(notes.get(text, note), text);
  }

  function playOnce(samples, which, { plain = false, ms = AUDITION_MS, share = 1 } = {}) {
    const { note } = history.present;
    if (auditioned) engine.cut(auditioned);
    const voice = engine.noteOn(note, samples, { short: true, plain, text: which, share });
    auditioned = voice;
    if (which) rest(which, note);
    setTimeout(() => engine.noteOff(voice), ms);
  }

  // The note under the hand from its attack to its release.
  function tryOut() {
    const { note, patch } = history.present;
    if (!engine.isRunning() || isPlaying() || !has(note)) return;
    playOnce(notes.get(text, note), text, { ms: 1000 * (patch.attack + Math.min(patch.decay, 0.8) + 0.4) });
  }

  const phrase = createPhrasePlayer({
    settings: () => ({ ...history.present.phrase, root: history.present.note, low: model.low, high: model.high }),
    now: engine.now,
    isReady: (pitch) => engine.isRunning() && Boolean(newestNote(pitch).samples),
    // The present sound's note where it is there, else the newest that came: a drag must not leave holes.
    play(pitch, at, held, velocity) {
      const { samples, which } = newestNote(pitch);
      if (!samples) return;
      const voice = engine.noteOn(pitch, samples, { at, held, velocity, text: which });
      phraseVoices = [...phraseVoices.filter(engine.has), voice];
      if (which === text) rest(text, history.present.note);
      const shown = () => tell("keys");
      setTimeout(shown, (at - engine.now()) * 1000 + 10);
      setTimeout(shown, (at + held - engine.now()) * 1000 + 10);
    },
    want(pitches) {
      const missing = [...held.keys(), ...pitches].filter((pitch) => !has(pitch));
      if (missing.length) fetcher.prefer(missing);
    },
    onChange() {
      if (!phrase.isOn()) for (const voice of phraseVoices.splice(0)) engine.cut(voice);
      tell("keys");
    },
  });

  function newestNote(pitch) {
    const which = has(pitch) ? text : arrived.get(pitch);
    return { samples: which && notes.get(which, pitch), which };
  }

  function startPhrase() {
    engine.liveOff();
    if (auditioned) engine.cut(auditioned);
    phrase.start();
  }

  const listener = createNewest(
    async ({ what, note }, signal) => {
      if (!notes.has(what, note))
        keepNotes(what, note, note, await fetchNotes(what, { low: note, high: note }, signal));
      return notes.get(what, note);
    },
    (samples, { what }) => engine.isRunning() && playOnce(samples, what, { plain: true }),
    (error) => retryAfter(error) === null && error.name !== "AbortError" && toast(error.message),
  );

  // Takes a new present in; `gesture` as in store.step.
  function arrive(next, { live = false } = {}) {
    const before = history.present;
    history = next;
    if (history.present === before) return;
    const { present } = history;
    sound = soundOf(present);
    const now = soundText(sound);
    if (now !== text) {
      text = now;
      moveOn();
      listener.forget();
      auditionDue = present.audition && !live;
      fetcher.setFocus(present.note);
      fetcher.setSound(text);
      for (const pitch of held.keys()) if (!has(pitch)) fetcher.want(pitch);
      flush();
      if (live) follow(text);
      else audition();
    }
    if (present.note !== before.note) fetcher.setFocus(present.note);
    if (present.hold !== before.hold) engine.setHold(present.hold);
    if (present.patch !== before.patch) engine.setPatch(present.patch);
    clearTimeout(saving);
    saving = setTimeout(save, SAVE_MS);
    tell("project", before);
  }

  function dispatch(action) {
    arrive(step(history, reduce(history.present, action, model)));
  }

  // `near`, [{sound, share}], may name sounds fetched before (see `prepare`) that come close to the one that is asked for
  // now: they are heard until that is there. A `mute` drag is one of something that is no part of the sound.
  function drag(action, { near = null, mute = false } = {}) {
    if (dragging === null) {
      dragging = ++gestures;
      origin = history;
      if (!mute) takeHold();
    }
    arrive(step(history, reduce(history.present, action, model), dragging), { live: true });
    if (near && engine.isRunning()) approach(near);
  }

  function takeHold() {
    moveOn();
    fetcher.setAlone(true);
    if (auditioned) engine.cut(auditioned);
    follow(text); // what the hand takes hold of sounds at once
  }

  // The keys held, or else the live voice, play what comes close to a sound that is not there yet.
  function approach(near) {
    const { note, audition } = history.present;
    for (const [pitch, { voice }] of held) {
      const parts = voice && !has(pitch) && mixture(near, pitch);
      if (parts) engine.crossTo(voice, parts, null);
    }
    if (isPlaying() || has(note) || !audition) return;
    const parts = mixture(near, note);
    if (!parts) return;
    liveText = text; // what comes late of former sounds would be a step back
    engine.live(parts);
  }

  // Notes of one pitch with their shares, each once; null unless all are there.
  function mixture(near, pitch) {
    const shares = new Map();
    for (const { sound, share } of near) {
      const samples = notes.get(soundText(sound), pitch);
      if (!samples) return null;
      shares.set(samples, (shares.get(samples) ?? 0) + share);
    }
    return levelled([...shares].map(([samples, share]) => ({ samples, share })));
  }

  function drop() {
    if (dragging === null) return;
    dragging = null;
    const heard = liveText === text || (held.size > 0 && has(history.present.note));
    liveText = null;
    if (heard) rest(text, history.present.note);
    engine.liveOff();
    fetcher.setAlone(false);
  }

  // Ends a drag as if it had never been.
  function cancel() {
    if (dragging === null) return;
    drop();
    arrive(origin, { live: true });
  }

  const fetching = new Map(); // sounds on their way by `prepare`, text and pitch -> promise

  // Whether the note under the hand, and every key held, is here.
  const isReady = (some) => pitchesAtHand().every((pitch) => notes.has(soundText(some), pitch));
  const pitchesAtHand = () => (held.size ? [...held.keys()] : [history.present.note]);

  // Fetches the notes at hand of several sounds, a request a key, so that `near` can play them.
  async function prepare(sounds) {
    const texts = [...new Set(sounds.map(soundText))];
    await Promise.all(
      pitchesAtHand().map(async (pitch) => {
        const key = (what) => `${pitch} ${what}`;
        const missing = texts.filter((what) => !notes.has(what, pitch) && !fetching.has(key(what)));
        const underWay = texts.map((what) => fetching.get(key(what)));
        const mine = missing.length ? fetchTakes(missing, pitch) : null;
        for (const what of missing) fetching.set(key(what), mine);
        try {
          await Promise.all([mine, ...underWay]);
        } finally {
          for (const what of missing) fetching.delete(key(what));
        }
      }),
    );
  }

  async function fetchTakes(texts, pitch) {
    const answer = await askBody("takes", { ahead: true, sounds: texts.map((what) => JSON.parse(what)), pitch });
    const samples = new Int16Array(await answer.arrayBuffer());
    const length = samples.length / texts.length;
    texts.forEach((what, index) => notes.put(what, pitch, samples.slice(index * length, (index + 1) * length)));
  }

  function save() {
    clearTimeout(saving);
    writeStorage(storageKey, JSON.stringify(history.present));
  }

  function press(pitch, velocity = VELOCITY) {
    if (pitch < model.low || pitch > model.high || held.has(pitch)) return;
    auditionDue = false;
    engine.liveOff();
    const samples = engine.isRunning() && notes.get(text, pitch);
    if (samples) rest(text, pitch);
    held.set(
      pitch,
      samples ? { voice: engine.noteOn(pitch, samples, { velocity, text }) } : { waiting: "held", velocity },
    );
    if (!has(pitch)) fetcher.want(pitch);
    dispatch({ type: "note", pitch });
    if (comparing !== null) compare(JSON.parse(comparing));
    tell("keys");
  }

  function lift(pitch) {
    const state = held.get(pitch);
    if (state === undefined) return;
    if (state.waiting === "held") {
      held.set(pitch, { ...state, waiting: "tapped" });
    } else if (state.voice) {
      held.delete(pitch);
      engine.noteOff(state.voice);
    }
    tell("keys");
  }

  function pedal(on) {
    if (on === pedalDown) return;
    pedalDown = on;
    engine.setPedal(on);
    tell("keys");
  }

  window.addEventListener("pagehide", save);
  // Any gesture will do to switch the sound on; the veil over the piano only says so.
  for (const gesture of ["pointerdown", "pointerup", "keydown"]) {
    window.addEventListener(gesture, () => engine.isRunning() || engine.enable(), { capture: true });
  }

  window.addEventListener("keydown", (event) => {
    if (!(event.ctrlKey || event.metaKey) || event.altKey || takesText(event.target)) return;
    const letter = event.key.toLowerCase();
    if (letter !== "z" && letter !== "y") return;
    event.preventDefault();
    if (letter === "y" || event.shiftKey) studio.redo();
    else studio.undo();
  });

  const studio = {
    model,
    engine,
    dispatch,
    drag,
    drop,
    cancel,
    prepare,
    isReady,
    press,
    lift,
    compare,
    compareOff,
    // How many dB are added to another sound when it is compared with the present one; null before both are here.
    compareDb(other) {
      const [ours, theirs] = [text, soundText(other)].map((what) => notes.get(what, history.present.note));
      return ours && theirs ? matchDb(theirs, ours, model.rate) : null;
    },
    pedal,
    bend: engine.setBend,
    tryOut,
    phrase: { start: startPhrase, stop: phrase.stop, isOn: phrase.isOn },
    noteAddress,
    askModel,
    askBody,
    sendFile,
    flatten,
    changeModel,
    pitchName: (pitch) => model.keys[pitch - model.low],
    get project() {
      return history.present;
    },
    get sound() {
      return sound;
    },
    get soundText() {
      return text;
    },
    get status() {
      return status;
    },
    // Text of the sound that the live voice plays, or stands in for, while something is dragged; null for none.
    get heard() {
      return liveText;
    },
    // The note under the hand of any sound, once; of many asked for in a hurry (hovering) only the newest.
    // The rest of the keyboard waits while one listens about.
    listen(other) {
      clearTimeout(listening);
      fetcher.setAlone(true);
      listening = setTimeout(() => dragging === null && fetcher.setAlone(false), LISTEN_MS);
      listener.ask({ what: soundText(other), note: history.present.note });
    },
    hush() {
      moveOn();
      listener.forget();
      if (auditioned) engine.noteOff(auditioned);
    },
    undo: () => arrive(undo(history) ?? history),
    redo: () => arrive(redo(history) ?? history),
    // What the next undo or redo changes, in words; null where there is nothing to go to.
    undoes: () => (history.past.length ? nameStep(history.past.at(-1), history.present) : null),
    redoes: () => (history.future.length ? nameStep(history.present, history.future[0]) : null),
    // Another project takes this one's place, as one step that can be undone.
    load: (project) => arrive(step(history, project)),
    silence() {
      phrase.stop();
      pedal(false);
      for (const pitch of [...held.keys()]) lift(pitch);
      held.clear();
      engine.silence();
      tell("silence");
      tell("keys");
    },
    // Which keys are down, wait for their sound, or sound: sets of pitches.
    keys() {
      const waiting = [...held].filter(([, state]) => state.waiting).map(([pitch]) => pitch);
      const down = [...held].filter(([, state]) => state.waiting !== "tapped").map(([pitch]) => pitch);
      return { down: new Set(down), waiting: new Set(waiting), sounding: engine.sounding(), pedal: pedalDown };
    },
    blocks: () => blocks.map((block) => ({ ...block, loaded: has(block.low) && has(block.high) })),
    // The sound is no longer on the move, and the note under the hand is there.
    isSettled: () => dragging === null && has(history.present.note),
    isQuiet: () => fetcher.isIdle() && !isPlaying() && dragging === null,
    // A room that Gradio mounts again takes the place of its former self.
    enter(name, callbacks) {
      rooms.set(name, callbacks);
      return studio;
    },
  };
  window.studio = studio;
  fetcher.setFocus(history.present.note);
  fetcher.setSound(text);
  return studio;
}
