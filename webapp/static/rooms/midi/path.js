// The path of sounds under a song, as it is laid and kept: its stops, and which of them is chosen.

import { toast } from "../../parts/dom.js";
import { nameOnBench } from "../../parts/keeping.js";
import { readStorage, writeStorage } from "../../parts/storage.js";
import { titleOf } from "../../document/sound.js";
import { inOrder, MOST_STOPS, recallStops, withStop } from "../../document/songpath.js";
import { clamp } from "../../document/numbers.js";

// What a stop holds, {sound, name}: the sound that plays now, that of a slot, or a favourite.
export const contentHere = (studio) => ({
  sound: studio.sound,
  name: nameOnBench(studio) ?? titleOf(studio.sound, studio.model),
});
export const contentOf = (studio, { sound, name }) => ({ sound, name: name || titleOf(sound, studio.model) });

// changed() when the path, or what is chosen of it, is another.
export function createPath(studio, changed) {
  const storageKey = `gansynth-studio:song-path:${studio.model.id}`;

  function change(next) {
    path.stops = next;
    writeStorage(storageKey, JSON.stringify(next));
    changed();
  }

  const path = {
    stops: recallStops(readStorage(storageKey), studio.model),
    chosen: null, // id of the stop whose details are shown
    change,
    stop: (id) => path.stops.find((one) => one.id === id),
    // From A to B, for a first song.
    begin() {
      const { a, b } = studio.project.slots;
      path.stops = withStop(withStop([], contentOf(studio, a), 0), contentOf(studio, b), 1);
    },
    choose(id) {
      path.chosen = id;
      changed();
    },
    add(content) {
      if (path.stops.length >= MOST_STOPS) return toast(`A path holds up to ${MOST_STOPS} sounds.`);
      const next = withStop(path.stops, content);
      path.chosen = next.at(-1).id;
      change(next);
    },
    move: (id, at) => path.set(id, { at: clamp(at, 0, 1) }),
    set: (id, values) => change(path.stops.map((one) => (one.id === id ? { ...one, ...values } : one))),
    // The first stop that is left is chosen then.
    remove(id) {
      const left = path.stops.filter((one) => one.id !== id);
      path.chosen = left.length ? inOrder(left)[0].id : null;
      change(left);
    },
  };
  return path;
}
