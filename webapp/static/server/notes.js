// The notes that are here: those of the keyboard, and those that hands will want next.
/** @import { ModelClient, NoteCache, Notes } from "./types.js" */

/**
 * A cache from which the sounds least recently used are thrown out once there are more than `most` notes.
 * @param {number} most
 * @returns {NoteCache}
 */
export function createNoteCache(most) {
  /** @type {Map<string, Map<number, Int16Array>>} */
  const sounds = new Map();
  let count = 0;
  return {
    get(text, pitch) {
      const notes = sounds.get(text);
      if (!notes) return undefined;
      sounds.delete(text); // put back below as the newest
      sounds.set(text, notes);
      return notes.get(pitch);
    },
    has: (text, pitch) => Boolean(sounds.get(text)?.has(pitch)),
    put(text, pitch, samples) {
      const notes = sounds.get(text) ?? new Map();
      sounds.delete(text);
      sounds.set(text, notes);
      if (!notes.has(pitch)) count++;
      notes.set(pitch, samples);
      while (count > most && sounds.size > 1) {
        const [oldest, thrown] = sounds.entries().next().value;
        sounds.delete(oldest);
        count -= thrown.size;
      }
    },
    get size() {
      return count;
    },
  };
}

/**
 * @param {ModelClient} client
 * @param {number} most  notes to keep
 * @returns {Notes}
 */
export function createNotes(client, most) {
  const cache = createNoteCache(most);
  /** Of each pitch the text of the sound whose note of it came last. @type {Map<number, string>} */
  const arrived = new Map();
  /** What `prepare` is waiting for, by pitch and text. @type {Map<string, Promise<void>>} */
  const underWay = new Map();

  /** @type {Notes["fetchBlock"]} */
  async function fetchBlock(sound, { low, high }, signal) {
    const answer = await client.askModel("notes", { sound, low, high }, { signal });
    return new Int16Array(await answer.arrayBuffer());
  }

  /** @type {Notes["keepBlock"]} */
  function keepBlock(text, { low, high }, samples) {
    const length = samples.length / (high - low + 1);
    for (let pitch = low; pitch <= high; pitch++) {
      arrived.set(pitch, text);
      // A copy: a view would keep the whole block in memory for as long as one of its notes is kept.
      if (!cache.has(text, pitch))
        cache.put(text, pitch, samples.slice((pitch - low) * length, (pitch - low + 1) * length));
    }
  }

  // The same note of several sounds, in one request.
  async function fetchTakes(texts, pitch) {
    const sounds = texts.map((text) => JSON.parse(text));
    const answer = await client.askBody("takes", { ahead: true, sounds, pitch });
    const samples = new Int16Array(await answer.arrayBuffer());
    const length = samples.length / texts.length;
    texts.forEach((text, index) => cache.put(text, pitch, samples.slice(index * length, (index + 1) * length)));
  }

  async function prepareAt(texts, pitch) {
    const key = (text) => `${pitch} ${text}`;
    const missing = texts.filter((text) => !cache.has(text, pitch) && !underWay.has(key(text)));
    const others = texts.map((text) => underWay.get(key(text)));
    const mine = missing.length ? fetchTakes(missing, pitch) : null;
    for (const text of missing) underWay.set(key(text), mine);
    try {
      await Promise.all([mine, ...others]);
    } finally {
      for (const text of missing) underWay.delete(key(text));
    }
  }

  return {
    get: cache.get,
    has: cache.has,
    fetchBlock,
    keepBlock,
    async note(text, pitch, signal) {
      const block = { low: pitch, high: pitch };
      if (!cache.has(text, pitch)) keepBlock(text, block, await fetchBlock(text, block, signal));
      return cache.get(text, pitch);
    },
    newest(text, pitch) {
      const which = cache.has(text, pitch) ? text : arrived.get(pitch);
      return { samples: which && cache.get(which, pitch), which };
    },
    async prepare(texts, pitches) {
      const each = [...new Set(texts)];
      await Promise.all(pitches.map((pitch) => prepareAt(each, pitch)));
    },
  };
}
