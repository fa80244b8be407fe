// Hands what a microphone hears to the page, block by block.
// @ts-nocheck: this runs in the audio thread, whose names TypeScript does not know

registerProcessor(
  "tap",
  class extends AudioWorkletProcessor {
    process([[samples]]) {
      if (samples) this.port.postMessage(samples.slice());
      return true;
    }
  },
);
