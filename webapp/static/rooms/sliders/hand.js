// The slider in hand: keyframes along its way are fetched while the pointer comes near, so that its drag is heard at once,
// and exactly where it rests.

import { createKeyframes, LINE_LEVELS } from "../../audio/keyframes.js";
import { reduce } from "../../document/store.js";
import { soundOf } from "../../document/project.js";

export function createHand(studio) {
  let reached = null; // {limit, action} of the slider under the pointer
  let holding = null; // share of its way at which it is held
  const frames = createKeyframes({
    levels: LINE_LEVELS,
    soundAt: ([share]) =>
      soundOf(reduce(studio.project, reached.action(reached.limit * (2 * share - 1)), studio.model)),
    isReady: studio.isReady,
    prepare: studio.prepare,
    isQuiet: studio.isQuiet,
  });

  return {
    // What a slider from -limit to limit needs to be heard along its way; action(value) moves it.
    heardAlong(limit, action) {
      const mine = { limit, action };
      const shareOf = (value) => (value / limit + 1) / 2;
      return {
        limit,
        onreach(place, value) {
          reached = mine;
          frames.prefetch([place], [[shareOf(value)]]);
        },
        onmove(value) {
          reached = mine;
          holding = shareOf(value);
          studio.drag(action(value), { near: frames.near([holding]) });
        },
        drop() {
          holding = null;
          frames.forget();
          studio.drop();
        },
      };
    },
    // To be called when another note is under the hand.
    noteChanged() {
      if (holding !== null) frames.prefetch([holding]);
    },
  };
}
