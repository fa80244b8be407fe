// The chosen stop of the path: its name, its place, and another sound for it.

import { numberField } from "../../parts/controls.js";
import { h } from "../../parts/dom.js";
import { hueOf } from "../../document/sound.js";
import { timeText } from "../../document/songpath.js";
import { contentHere } from "./path.js";

// remove(id) takes a stop off the path. Returns {element, draw(seconds of the song)}.
export function createDetail(studio, path, remove) {
  const element = h("div", { class: "detail" });
  const when = h("span", { class: "when" });
  let place = null; // number field of the stop that is shown
  let shown = null; // what the elements were built for

  function build({ id, name }) {
    place = numberField({
      min: "0",
      max: "100",
      step: "0.1",
      "aria-label": `Place of ${name} in percent`,
      set: (percent) => Number.isFinite(percent) && path.move(id, percent / 100),
      read: () => Math.round(path.stop(id).at * 1000) / 10,
    });
    element.replaceChildren(
      h("i", { class: "dot" }),
      h("strong", {}, name),
      h("span", { class: "unit" }, "at ", place.field, "%"),
      when,
      h(
        "button",
        {
          class: "button",
          title: "Replace it with the sound that plays now",
          onclick: () => path.set(id, contentHere(studio)),
        },
        "Use this sound",
      ),
      h("button", { class: "button", onclick: () => remove(id) }, "Remove"),
    );
  }

  return {
    element,
    draw(seconds) {
      const stop = path.stop(path.chosen);
      const hint = path.stops.length
        ? "Each dot is a sound: drag it along the song, click it to hear it."
        : "Add the sounds to play this song with.";
      const what = stop ? JSON.stringify([stop.id, stop.name]) : hint;
      if (what !== shown) {
        shown = what;
        if (stop) build(stop);
        else element.replaceChildren(h("span", { class: "hint" }, hint));
      }
      if (!stop) return;
      element.style.setProperty("--hue", hueOf(stop.sound, studio.model));
      place.show();
      when.textContent = timeText(stop.at * seconds);
    },
  };
}
