// The studio behind the rooms: one project, one engine, one fetcher, and who is told when one of them changes.
//
// What a room may do: read `studio.project`, `studio.sound` (what plays now) and `studio.model`; change the project by
// `dispatch(action)`, or by `drag(action)` for every step of a movement, which is heard as it goes, and `drop()` at its
// end (or `cancel()`), undone as one step; play keys by `press(pitch, velocity 0 to 1)` and `lift`, the `pedal(on)` and
// the `phrase`; let another sound be heard by `listen(sound)`, without touching the bench; keep sounds in the `library`.
// `enter(name, callbacks)` tells it of changes: see RoomCallbacks in types.d.ts.
/** @import { Model } from "./document/types.js" */
/** @import { FetcherState } from "./server/types.js" */
/** @import { Comparing, Desk, Kept, Listening, Playing, RoomCallbacks, Solo, Studio } from "./types.js" */

import { createEngine } from "./audio/engine.js";
import { createBench } from "./bench.js";
import { createComparing } from "./comparing.js";
import { soundText } from "./document/sound.js";
import { createHolding } from "./holding.js";
import { openLibrary } from "./library.js";
import { createHeard, createListening, createSolo } from "./listening.js";
import { toast } from "./parts/dom.js";
import { commandLetter, takesText } from "./parts/keys.js";
import { createPlaying } from "./playing.js";
import { createFetcher, keyBlocks } from "./server/fetcher.js";
import { createModelClient, fetchModel } from "./server/model.js";
import { persist, retryAfter, whileRetrying } from "./server/net.js";
import { createNotes } from "./server/notes.js";

const CACHED_NOTES = 400; // 77 MB of int16
const VELOCITY = 0.8; // of keys that do not tell how hard they are hit

/** @type {Promise<Studio> | null} */
let opening = null;

// The model that the page's address names (`?model=acoustic`), or the one that the app was started with.
async function introduce() {
  const id = new URLSearchParams(location.search).get("model");
  try {
    return await fetchModel(id);
  } catch (error) {
    if (!id || error.status !== 404) throw error;
    toast(error.message);
    return fetchModel();
  }
}

/** @type {Studio["changeModel"]} */
function changeModel(id) {
  const url = new URL(location.href);
  url.searchParams.set("model", id);
  url.hash = "";
  location.assign(url);
}

/** The one studio of this page, once the model has introduced itself. */
export function openStudio() {
  opening ??= persist(introduce, { onRetry: (error) => toast(whileRetrying(error)) })
    .then(async (model) => createStudio(model, await openLibrary(model)))
    .catch((error) => {
      opening = null;
      toast(error.message);
      window.dispatchEvent(new Event("studio:unavailable"));
      throw error;
    });
  return opening;
}

/**
 * Builds what the rooms share and ties it together.
 * @param {Model} model
 * @param {Kept} library
 */
function createStudio(model, library) {
  /** @type {Map<string, RoomCallbacks>} */
  const rooms = new Map();
  /** @type {FetcherState} */
  let status = { busy: false, error: null };

  /** @type {Desk["tell"]} */
  const tell = (what, ...details) => rooms.forEach((room) => /** @type {Function} */ (room[what])?.(...details));
  const client = createModelClient(model);
  const notes = createNotes(client, CACHED_NOTES);
  const bench = createBench({ model, library, onChange });
  const heard = createHeard({ bench, onHeard: (sound, pitch) => tell("heard", sound, pitch) });
  const engine = createEngine({ rate: model.rate, onState: onPower, onVoices: () => tell("keys") });
  const blocks = keyBlocks(model.low, model.high);
  const fetcher = createFetcher({ blocks, has: notes.has, fetchBlock: notes.fetchBlock, onBlock, onState });

  /** @type {Desk} */
  const desk = { model, engine, notes, fetcher, bench, heard, tell };
  const playing = createPlaying(desk, createHolding(desk, client));
  const solo = createSolo(desk);
  const listening = createListening(desk, playing, solo);
  const comparing = createComparing(desk, playing, solo);
  const hasAt = (pitch) => notes.has(bench.text, pitch);
  const flush = () => playing.flush(!comparing.isOn());

  function onPower() {
    flush();
    tell("power");
  }

  function onBlock(text, block, samples) {
    notes.keepBlock(text, block, samples);
    if (text === bench.text) flush();
    listening.follow(text);
    listening.audition();
  }

  function onState(next) {
    if (next.error) {
      playing.giveUp();
      if (retryAfter(next.error) === null) toast(next.error.message);
      tell("keys");
    }
    status = next;
    tell("status");
  }

  function onChange(before, { isNewSound, live }) {
    const { project, text } = bench;
    if (isNewSound) {
      listening.begin(live);
      fetcher.setFocus(project.note);
      fetcher.setSound(text);
      playing.want();
      flush();
      if (live) listening.follow(text);
      else listening.audition();
    }
    if (project.note !== before.note) fetcher.setFocus(project.note);
    if (project.hold !== before.hold) engine.setHold(project.hold);
    if (project.patch !== before.patch) engine.setPatch(project.patch);
    tell("project", before);
  }

  engine.setHold(bench.project.hold);
  engine.setPatch(bench.project.patch);
  library.watch({ changed: () => tell("library"), undoable: bench.record });

  /** @type {Studio} */
  const studio = {
    ...client,
    ...handsOn(desk, { playing, listening, comparing, solo }),
    model,
    engine,
    library,
    changeModel,
    flatten: (other) => client.askModel("timbre", { sound: soundText(other) }).then((answer) => answer.json()),
    pitchName: (pitch) => model.keys[pitch - model.low],
    get project() {
      return bench.project;
    },
    get sound() {
      return bench.sound;
    },
    get soundText() {
      return bench.text;
    },
    get status() {
      return status;
    },
    get heard() {
      return listening.heard();
    },
    blocks: () => blocks.map((block) => ({ ...block, loaded: hasAt(block.low) && hasAt(block.high) })),
    enter(name, callbacks) {
      rooms.set(name, callbacks);
      return studio;
    },
  };

  listenToPage(studio, bench.save);
  window.studio = studio;
  fetcher.setFocus(bench.project.note);
  fetcher.setSound(bench.text);
  return studio;
}

/**
 * What hands do: on the project, on keys, and by pointing at sounds.
 * @param {Desk} desk
 * @param {{playing: Playing, listening: Listening, comparing: Comparing, solo: Solo}} parts
 */
function handsOn({ engine, notes, fetcher, bench, tell }, { playing, listening, comparing, solo }) {
  const { dispatch, load, undo, redo, undoes, redoes } = bench;
  const { lift, pedal, keys, phrase } = playing;
  const { listen, hush, tryOut } = listening;
  const { compare, compareOff, compareDb } = comparing;
  const isHere = (text, pitch) => notes.has(text, pitch);

  /** @type {Studio["drag"]} */
  function drag(action, { near = null, mute = false } = {}) {
    if (bench.begin() && !mute) listening.takeHold();
    bench.move(action);
    if (near && engine.isRunning()) listening.approach(near);
  }

  function drop() {
    if (bench.end()) listening.letGo();
  }

  /** @type {Studio["press"]} */
  function press(pitch, velocity = VELOCITY) {
    if (!playing.canPress(pitch)) return;
    listening.giveWay();
    dispatch({ type: "note", pitch: playing.press(pitch, velocity) });
    comparing.again();
    tell("keys");
  }

  function startPhrase() {
    engine.liveOff();
    solo.cut();
    phrase.start();
  }

  return {
    dispatch,
    load,
    undo,
    redo,
    undoes,
    redoes,
    press,
    lift,
    pedal,
    keys,
    bend: engine.setBend,
    bendKey: playing.bend,
    noteOf: (sound, pitch) => notes.note(soundText(sound), pitch),
    playOnce: (samples, options) => solo.play(samples, null, { plain: true, ...options }),
    phrase: { ...phrase, start: startPhrase },
    listen,
    hush,
    tryOut,
    compare,
    compareOff,
    compareDb,
    drag,
    drop,
    cancel() {
      if (!bench.isDragging()) return;
      drop();
      bench.takeBack();
    },
    prepare: (sounds) => notes.prepare(sounds.map(soundText), playing.pitchesAtHand()),
    isReady: (sound) => playing.pitchesAtHand().every((pitch) => isHere(soundText(sound), pitch)),
    isSettled: () => !bench.isDragging() && isHere(bench.text, bench.project.note),
    isQuiet: () => fetcher.isIdle() && !playing.isPlaying() && !bench.isDragging(),
    silence() {
      playing.stop();
      engine.silence();
      tell("silence");
      tell("keys");
    },
  };
}

/**
 * Keys and gestures that belong to no room.
 * @param {Studio} studio
 * @param {() => void} save
 */
function listenToPage({ engine, undo, redo }, save) {
  window.addEventListener("pagehide", save);
  // Any gesture will do to switch the sound on; the veil over the piano only says so.
  for (const gesture of ["pointerdown", "pointerup", "keydown"]) {
    window.addEventListener(gesture, () => engine.isRunning() || engine.enable(), { capture: true });
  }
  window.addEventListener("keydown", (event) => {
    if (!(event.ctrlKey || event.metaKey) || event.altKey || takesText(event.target)) return;
    const letter = commandLetter(event);
    if (letter !== "z" && letter !== "y") return;
    event.preventDefault();
    if (letter === "y" || event.shiftKey) redo();
    else undo();
  });
}
