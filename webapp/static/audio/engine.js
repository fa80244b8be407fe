// Web Audio: int16 notes in, sound out. Every start, stop and change is ramped, so nothing clicks.
/** @import { Engine } from "./types.js" */

import { createLayers } from "./layers.js";
import { createLiveVoice } from "./livevoice.js";
import { createOutput } from "./output.js";
import { createTape } from "./tape.js";
import { createVoices, PLAIN } from "./voices.js";

const SILENCE_SECONDS = 0.04;

/**
 * @param {object} options
 * @param {number} options.rate  samples a second of the notes
 * @param {(isRunning: boolean) => void} options.onState  the sound was switched on or off
 * @param {() => void} options.onVoices  a voice came or is gone
 * @returns {Engine}
 */
export function createEngine({ rate, onState, onVoices }) {
  let patch = PLAIN;
  const output = createOutput({ rate, onState });
  const tape = createTape(output); // the live voice's; every other has its own
  const layers = createLayers({ output, rate });
  const voices = createVoices({ output, layers, rate, onVoices });
  const live = createLiveVoice({ output, tape, layers, rate, patch: () => patch, onVoices });

  function setBend(semitones) {
    voices.setBend(semitones);
    if (tape.bend(semitones)) live.bend();
  }

  return {
    enable: output.enable,
    isRunning: output.isRunning,
    now: output.now,
    rms: output.rms,
    peakHz: output.peakHz,
    wave: output.wave,
    noteOn: voices.noteOn,
    noteOff: voices.noteOff,
    cut: voices.cut,
    has: voices.has,
    isHeld: voices.isHeld,
    placeOf: voices.placeOf,
    prolong: voices.prolong,
    crossTo: voices.crossTo,
    newest: voices.newest,
    sounding: voices.sounding,
    setHold: voices.setHold,
    setPedal: voices.setPedal,
    setBend,
    bendVoice: voices.bendVoice,
    setPatch(next) {
      patch = next;
      output.setGain(next.gain);
      voices.setPatch(next);
    },
    live: live.play,
    liveOff: live.off,
    silence() {
      setBend(0);
      voices.cutAll();
      voices.setPedal(false);
      live.off(SILENCE_SECONDS);
    },
    busy: () => voices.busy() || live.busy(),
  };
}
