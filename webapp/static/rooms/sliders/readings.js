// What is measured of the sound at rest, beside the sliders that change it, and how far all sliders took it from what it
// is without them.

import { h, isShown } from "../../parts/dom.js";
import { changeText, soundText, valueText } from "../../document/sound.js";

const CALM_MS = 250;

// `rows`: {direction, told} with an output element for the reading of the direction's descriptor. Returns a function to
// be called whenever the sound may have changed; it measures only while `host` is in sight.
export function createReadings(host, studio, rows) {
  const { descriptors } = studio.model;
  let calm = null;
  let measured = null; // what the readings shown are of

  function measureSoon() {
    clearTimeout(calm);
    if (!rows.length || !isShown(host)) return;
    const plain = { ...studio.sound, sliders: {}, raw: {} };
    const what = JSON.stringify([studio.soundText, soundText(plain), studio.project.note]);
    if (what === measured) return;
    for (const { told } of rows) told.classList.add("stale");
    calm = setTimeout(() => (studio.isSettled() ? measure(plain, what) : measureSoon()), CALM_MS);
  }

  async function measure(plain, what) {
    measured = what;
    try {
      const answer = await studio.askBody("measures", { sounds: [studio.sound, plain], pitch: studio.project.note });
      const { values } = await answer.json();
      if (measured === what) show(values);
    } catch {
      measured = null; // asked for again at the next change; the sound's own request tells what is wrong
    }
  }

  function show(values) {
    for (const { direction, told } of rows) {
      const index = descriptors.findIndex(({ name }) => name === direction.descriptor);
      const descriptor = descriptors[index];
      const [now, before] = values.map((row) => row[index]);
      const change = changeText(now, before, descriptor);
      const moved = valueText(now, descriptor) !== valueText(before, descriptor);
      told.replaceChildren(valueText(now, descriptor), ...(moved ? [h("b", {}, change)] : []));
      told.title = `${descriptor.title}: ${descriptor.about}`;
      told.classList.remove("stale");
    }
  }

  return measureSoon;
}
