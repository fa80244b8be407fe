// A path over the pad as one note whose timbre moves: fetched, played once or looped, saved.
/** @import { Voice } from "../audio/types.js" */
/** @import { PathPoint } from "../document/types.js" */

import { saveFile } from "../parts/dom.js";
import { icon } from "../parts/icons.js";
import { keyframesOf } from "../document/path.js";
import { canonical } from "../document/sound.js";
import { soundOf } from "../document/project.js";

export const LINE = [
  [0, 0, 0],
  [1, 1, 0],
]; // from A to B, as a path: along the pad's upper edge
const AHEAD_SECONDS = 0.15; // a round is set up so long before the last one ends
const CALM_MS = 200; // after a change, before a playing path is fetched anew
const players = new WeakMap();

// The one player of a studio. A path is told by a function, so that it is asked anew for each round.
export function glideOf(studio) {
  if (!players.has(studio)) players.set(studio, createGlide(studio));
  return players.get(studio);
}

/**
 * Shows on a button what a click on it does to a path that is in `state` (see `state` of a glide).
 * @param {HTMLElement} button
 * @param {string | null} state
 * @param {{start: string, stop: string}} titles
 */
export function drawPlayButton(button, state, { start, stop }) {
  const title = state ? stop : start;
  button.replaceChildren(icon(state ? "stop" : "play"));
  button.classList.toggle("waiting", state === "waiting");
  button.title = title;
  button.setAttribute("aria-label", title);
}

function createGlide(studio) {
  const listeners = new Map(); // by name: a room that Gradio mounts again takes the place of its former self
  /**
   * What plays; without a voice it is on its way.
   * @type {{pathOf: () => PathPoint[], loop: boolean, voice: Voice | null, next?: any, began?: number, seconds?: number, timer?: any} | null}
   */
  let now = null;
  let cached = { text: null, samples: null };
  let calm = null;

  const tell = () => listeners.forEach((listener) => listener());

  function request(path) {
    const { project } = studio;
    const frames = keyframesOf(path);
    const soundAt = ({ x, y }) => canonical(soundOf({ ...project, morph: { mode: "pad", x, y } }));
    return {
      sounds: frames.map(soundAt),
      at: frames.map(({ at }) => at),
      pitch: project.note,
      seconds: project.pathSeconds,
    };
  }

  async function fetchSamples(path) {
    const asked = request(path);
    const text = JSON.stringify(asked);
    if (cached.text !== text) {
      const answer = await studio.askBody("glide", { ...asked, format: "pcm" });
      cached = { text, samples: new Int16Array(await answer.arrayBuffer()) };
    }
    return { ...asked, samples: cached.samples };
  }

  // One round from `at` (the engine's seconds) on; the next is set up shortly before it is due, so that none comes late.
  function sound({ samples, pitch, seconds }, at) {
    const { engine } = studio;
    Object.assign(now, {
      voice: engine.noteOn(pitch, samples, { short: true, at, held: seconds }),
      began: at,
      seconds,
    });
    now.timer = setTimeout(ended, (at + seconds - engine.now() - (now.loop ? AHEAD_SECONDS : 0)) * 1000);
    tell();
  }

  function ended() {
    const due = now.began + now.seconds;
    if (now.loop) return sound(now.next, due);
    const left = due - studio.engine.now();
    if (left > 0.01)
      now.timer = setTimeout(ended, left * 1000); // the loop was switched off on the way
    else {
      now = null;
      tell();
    }
  }

  function stop() {
    if (!now) return;
    clearTimeout(now.timer);
    if (now.voice) studio.engine.cut(now.voice);
    now = null;
    tell();
  }

  // What the next round plays: the path and its sounds as they are now.
  function refresh() {
    clearTimeout(calm);
    calm = setTimeout(async () => {
      const mine = now;
      const path = mine?.pathOf();
      if (!path?.length) return;
      const next = await fetchSamples(path).catch(() => null); // the round that plays is there to be played again
      if (next) mine.next = next;
    }, CALM_MS);
  }

  studio.enter("glide", { project: () => now?.loop && refresh(), silence: stop });

  return {
    // pathOf() tells the path; `loop` whether it goes on round after round.
    async play(pathOf, loop = false) {
      stop();
      const mine = (now = { pathOf, loop, voice: null });
      tell();
      try {
        await studio.engine.enable();
        const first = await fetchSamples(pathOf());
        if (now !== mine) return;
        now.next = first;
        sound(first, studio.engine.now());
      } catch (error) {
        if (now === mine) now = null;
        tell();
        throw error;
      }
    },
    stop,
    setLoop(on) {
      if (now) now.loop = on;
    },
    // Whether this path plays or is about to: null, "waiting" or "playing".
    state: (pathOf) => (now?.pathOf !== pathOf ? null : now.voice ? "playing" : "waiting"),
    // How much of its time has passed, 0 to 1.
    position() {
      if (!now?.voice) return 0;
      const share = (studio.engine.now() - now.began) / now.seconds;
      return share < 0 ? Math.max(0, 1 + share) : Math.min(1, share); // before a round's begin the last one still plays
    },
    // The path's note as a WAV file, shaped by the envelope as one plays it.
    async download(path) {
      const answer = await studio.askBody("glide", { ...request(path), format: "wav", patch: studio.project.patch });
      await saveFile(answer);
    },
    onChange: (name, listener) => listeners.set(name, listener),
  };
}
