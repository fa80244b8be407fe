// "More like this": the sounds of the map that are most like any sound, on it or not.

import { toast } from "../parts/dom.js";
import { placeOf } from "./atlas.js";

/** Returns find({sound, name}), which lights those up. What lies on the map was measured already; any other sound is, at the map's key. */
export function createFindLike({ studio, atlas, sky, light }) {
  async function measure(sound) {
    const answer = await studio.askBody("measures", { sounds: [sound], pitch: atlas.pitch });
    const [values] = (await answer.json()).values;
    const names = studio.model.descriptors.map(({ name }) => name);
    return atlas.descriptors.map(({ name }) => values[names.indexOf(name)]);
  }

  return async function find({ sound, name }) {
    const isPoint = placeOf(sound, atlas, sky.place)?.exact;
    const point = atlas.pointOf(sound);
    try {
      const measured = isPoint ? atlas.descriptors.map((_, index) => atlas.values(index)[point]) : await measure(sound);
      light.showLike(measured, name);
    } catch (error) {
      toast(error.message);
    }
  };
}
