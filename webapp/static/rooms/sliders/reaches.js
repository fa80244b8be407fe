// From where to where each named slider takes the sound at rest, under its track, as measured at both ends. Not every
// sound has room in every aspect, and at some a slider goes backwards: both are said.

import { h, isShown } from "../../parts/dom.js";
import { soundText, valueText } from "../../document/sound.js";

const CALM_MS = 700; // both ends of all sliders take the model as long as some ten notes

// `rows`: {direction, element} of sliders whose descriptor is measured. Returns a function to be called whenever the sound
// may have changed; it asks only while `host` is in sight, and one question at a time.
export function createReaches(host, studio, rows) {
  const { descriptors } = studio.model;
  let calm = null;
  let asking = false;
  let shown = null; // what the reaches shown are of
  for (const row of rows) row.element.append((row.reach = h("span", { class: "reach" })));

  const current = () => JSON.stringify([soundText(studio.sound), studio.project.note]);

  function askSoon() {
    clearTimeout(calm);
    if (!rows.length || !isShown(host) || current() === shown) return;
    for (const { reach } of rows) reach.classList.add("stale");
    calm = setTimeout(() => (asking || !studio.isSettled() ? askSoon() : ask(current())), CALM_MS);
  }

  async function ask(what) {
    asking = true;
    try {
      const answer = await studio.askBody("reach", { sound: studio.sound, pitch: studio.project.note });
      const found = await answer.json();
      if (what === current()) show(found, what);
    } catch {
      // Asked for again at the next change; the sound's own request tells what is wrong.
    } finally {
      asking = false;
    }
  }

  function show(found, what) {
    shown = what;
    for (const { direction, element, reach } of rows) {
      const { low, high, goes } = found[direction.name];
      const descriptor = descriptors.find(({ name }) => name === direction.descriptor);
      const ends = [low, high].map((value) => h("i", {}, valueText(value, descriptor)));
      const said = { rises: "", falls: "goes backwards here", none: "no room here" }[goes];
      element.dataset.goes = goes;
      reach.replaceChildren(ends[0], ...(said ? [h("em", {}, said)] : []), ends[1]);
      reach.title = `${descriptor.title} of this note at the slider's ends`;
      reach.classList.remove("stale");
    }
  }

  return askSoon;
}
