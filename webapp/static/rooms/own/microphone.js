// Recording from the microphone, as it sounds: without what browsers do to speech.
/** @import { Recording } from "../../audio/types.js" */

const PLAIN = { echoCancellation: false, noiseSuppression: false, autoGainControl: false, channelCount: 1 };
export const LONGEST_SECONDS = 30;

const REASONS = {
  NotAllowedError: "The browser does not let this page use the microphone. Allow it beside the page's address.",
  NotFoundError: "No microphone was found. Connect one, or drop a recording.",
  NotReadableError: "The microphone is in use elsewhere.",
};

/**
 * Asks for the microphone and records from then on. `heard(seconds, peak)` is called with each block. Throws an Error that
 * says in a sentence why it cannot.
 * @param {(seconds: number, peak: number) => void} heard
 * @returns {Promise<{stop: () => Recording}>}
 */
export async function record(heard) {
  if (!navigator.mediaDevices)
    throw new Error("Browsers give the microphone only to pages by HTTPS, or of this computer itself (localhost).");
  let stream = null;
  try {
    stream = await navigator.mediaDevices.getUserMedia({ audio: PLAIN });
  } catch (error) {
    throw new Error(REASONS[error.name] ?? `The microphone cannot be used (${error.name}).`, { cause: error });
  }
  const context = new AudioContext();
  await context.audioWorklet.addModule(new URL("./tap.worklet.js", import.meta.url));
  const tap = new AudioWorkletNode(context, "tap", { channelCount: 1, channelCountMode: "explicit" });
  const blocks = [];
  let length = 0;
  tap.port.onmessage = ({ data }) => {
    blocks.push(data);
    length += data.length;
    heard(
      length / context.sampleRate,
      data.reduce((peak, value) => Math.max(peak, Math.abs(value)), 0),
    );
  };
  // Only what leads to the output is computed; the tap itself puts out silence.
  new MediaStreamAudioSourceNode(context, { mediaStream: stream }).connect(tap).connect(context.destination);

  return {
    stop() {
      tap.port.onmessage = null;
      for (const track of stream.getTracks()) track.stop();
      context.close();
      const samples = new Float32Array(length);
      let at = 0;
      for (const block of blocks) {
        samples.set(block, at);
        at += block.length;
      }
      return { samples, rate: context.sampleRate };
    },
  };
}
