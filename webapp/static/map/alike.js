// "More like this": the sounds of the map that are most like any sound, on it or not.

import { toast } from "../parts/dom.js";
import { placeOf } from "./atlas.js";
import { measured } from "./neighbours.js";

/**
 * Returns find({sound, name}), which lights those up. What lies on the map was measured already; any other sound is, at the
 * map's key, and is then seen among them in the layout by ear: arrange(layout).
 */
export function createFindLike({ studio, atlas, sky, light, arrange }) {
  return async function find({ sound, name }) {
    const isPoint = placeOf(sound, atlas, sky)?.exact;
    const point = atlas.pointOf(sound);
    if (sound.z !== undefined) arrange("sound");
    const known = () => atlas.descriptors.map((_, index) => atlas.values(index)[point]);
    try {
      light.showLike(isPoint ? known() : await measured(studio, atlas, sound), name);
    } catch (error) {
      toast(error.message);
    }
  };
}
