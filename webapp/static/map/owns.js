// Own sounds on the map: those in slots have their letter, those among the favourites a mark of their own, which can be
// heard and taken like a point.

import { hueOf } from "../document/sound.js";
import { bareText, nearOf, placeOf, slotsOnMap } from "./atlas.js";

const HIT = 13; // pixels
const TOUCH_HIT = 22;

export function createOwns({ studio, atlas, sky }) {
  let pointed = null; // item under the pointer

  const onScreen = (sound) => sky.toScreen(placeOf(sound, atlas, sky));

  // Favourites that were made of recordings, as far as their places are known, without those that are in slots.
  function marks() {
    const inSlots = new Set(slotsOnMap(studio.project).map(([, { sound }]) => bareText(sound)));
    return studio.library.favourites
      .filter(({ original, sound }) => original && nearOf(sound, atlas, sky.layout) && !inSlots.has(bareText(sound)))
      .map((item) => ({ item, text: item.name, hue: hueOf(item.sound, studio.model), ...onScreen(item.sound) }));
  }

  function hit({ x, y, touch }) {
    const within = marks().filter((mark) => Math.hypot(mark.x - x, mark.y - y) < (touch ? TOUCH_HIT : HIT));
    return within.at(-1)?.item ?? null;
  }

  return {
    marks: () => marks().map((mark) => ({ ...mark, hovered: mark.item === pointed })),
    hit,
    /** What the map has to know the places of. */
    sounds: () => [
      ...slotsOnMap(studio.project).map(([, { sound }]) => sound),
      ...studio.library.favourites.filter(({ original }) => original).map(({ sound }) => sound),
    ],
    /** The pointer is there, or (null) away; whether it is on an own sound. */
    hover(at) {
      const item = at && hit(at);
      if (item === pointed) return Boolean(item);
      pointed = item;
      sky.repaint();
      if (item && studio.project.audition && studio.engine.isRunning()) studio.listen(item.sound);
      return Boolean(item);
    },
  };
}
