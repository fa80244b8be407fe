// A sound in an address: {format, model, digest, sound, name, note, patch} as JSON, deflated, in base64url, behind #s=.
/** @import { Model, Patch, Sound } from "./types.js" */

import { canonical } from "./sound.js";
import { knownSound } from "./checked.js";

const FORMAT = 1;
const KEY = "s=";
const LONGEST = 60_000; // characters of an address; our own are a tenth of it
const LARGEST = 1_000_000; // characters inflated: a small text may stand for endless ones

const UNREADABLE = "This link is damaged: no sound could be read from it.";

/**
 * @param {BlobPart} bytes
 * @param {CompressionStream} transform
 */
async function through(bytes, transform) {
  return new Response(new Blob([bytes]).stream().pipeThrough(transform)).arrayBuffer();
}

/**
 * The fragment (without "#") that `readLink` makes the same sound of, for this model.
 * @param {{sound: Sound, name: string | null, note: number, patch: Patch}} what
 * @param {Model} model
 */
export async function writeLink({ sound, name, note, patch }, model) {
  const text = JSON.stringify({
    format: FORMAT,
    model: model.id,
    digest: model.digest,
    sound: canonical(sound),
    name,
    note,
    patch,
  });
  const bytes = new Uint8Array(await through(new TextEncoder().encode(text), new CompressionStream("deflate-raw")));
  const letters = Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
  return KEY + btoa(letters).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

/**
 * Whether a fragment (with or without "#") means to carry a sound.
 * @param {string} fragment
 */
export const isLink = (fragment) => fragment.replace(/^#/, "").startsWith(KEY);

/**
 * What a fragment carries. Throws an Error with a sentence for whoever opened the link.
 * @param {string} fragment
 * @param {Model} model
 * @returns {Promise<{sound: Sound, name: string | null, note: number | null, patch: Partial<Patch>}>}
 */
export async function readLink(fragment, model) {
  const code = fragment.replace(/^#/, "").slice(KEY.length);
  if (code.length > LONGEST) throw new Error(UNREADABLE);
  let link;
  try {
    const letters = atob(code.replaceAll("-", "+").replaceAll("_", "/"));
    link = JSON.parse(await inflate(Uint8Array.from(letters, (letter) => letter.charCodeAt(0))));
  } catch {
    throw new Error(UNREADABLE);
  }
  if (!link || !Number.isInteger(link.format)) throw new Error(UNREADABLE);
  if (link.format > FORMAT) throw new Error("This link was made by a newer version of the studio.");
  if (link.model !== model.id)
    throw new Error(
      `This link's sound belongs to the model '${String(link.model).slice(0, 60)}', not to '${model.id}'.`,
    );
  if (link.digest !== model.digest)
    throw new Error(`This link was made with another version of '${model.id}': it would sound different here.`);
  const sound = knownSound(link.sound, model);
  if (!sound) throw new Error(UNREADABLE);
  const name = typeof link.name === "string" ? link.name.slice(0, 120) : null;
  const note = Number.isInteger(link.note) ? link.note : null;
  return { sound: canonical(sound), name, note, patch: link.patch && typeof link.patch === "object" ? link.patch : {} };
}

/** @param {BlobPart} bytes */
async function inflate(bytes) {
  const reader = new Blob([bytes])
    .stream()
    .pipeThrough(new DecompressionStream("deflate-raw"))
    .pipeThrough(new TextDecoderStream())
    .getReader();
  let text = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return text;
    text += value;
    if (text.length > LARGEST) {
      await reader.cancel();
      throw new Error(UNREADABLE);
    }
  }
}
