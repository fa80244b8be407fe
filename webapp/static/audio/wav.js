// WAV files: writing one, and whether one carries a sound of ours.

const OUR_CHUNK = "GSyn"; // gansynth_core/sound.py writes it
const MOST_CHUNKS = 200;

/**
 * Mono samples as a WAV file of 32-bit floats, which loses nothing, or of 16 bits.
 * @param {Float32Array<ArrayBuffer> | Int16Array<ArrayBuffer>} samples
 * @param {number} rate
 */
export function wavFile(samples, rate) {
  const isReal = samples instanceof Float32Array;
  const width = isReal ? 4 : 2;
  const head = new DataView(new ArrayBuffer(44));
  const text = (at, letters) =>
    [...letters].forEach((letter, index) => head.setUint8(at + index, letter.charCodeAt(0)));
  text(0, "RIFF");
  head.setUint32(4, 36 + width * samples.length, true);
  text(8, "WAVEfmt ");
  head.setUint32(16, 16, true);
  head.setUint16(20, isReal ? 3 : 1, true);
  head.setUint16(22, 1, true);
  head.setUint32(24, rate, true);
  head.setUint32(28, width * rate, true);
  head.setUint16(32, width, true);
  head.setUint16(34, 8 * width, true);
  text(36, "data");
  head.setUint32(40, width * samples.length, true);
  return new Blob([head, new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength)], {
    type: "audio/wav",
  });
}

/**
 * Whether a WAV file, as the studio writes them, says which sound it was made of. Reads the heads of its chunks alone.
 * @param {Blob} file
 */
export async function carriesSound(file) {
  try {
    return await hasChunk(file, OUR_CHUNK);
  } catch {
    return false; // a folder, or a file that is gone: whoever opens it says so
  }
}

async function hasChunk(file, code) {
  const read = async (at, length) => new DataView(await file.slice(at, at + length).arrayBuffer());
  const text = (view, at) => String.fromCharCode(...[0, 1, 2, 3].map((letter) => view.getUint8(at + letter)));
  const head = await read(0, 12);
  if (head.byteLength < 12 || text(head, 0) !== "RIFF" || text(head, 8) !== "WAVE") return false;
  let at = 12;
  for (let count = 0; count < MOST_CHUNKS; count++) {
    const chunk = await read(at, 8);
    if (chunk.byteLength < 8) return false;
    if (text(chunk, 0) === code) return true;
    const size = chunk.getUint32(4, true);
    at += 8 + size + (size % 2);
  }
  return false;
}
