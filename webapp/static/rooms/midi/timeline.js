// The time line of the path: a pin a stop, moved along the song by hand or keys.

import { receives } from "../../parts/dragdrop.js";
import { h } from "../../parts/dom.js";
import { hueOf } from "../../document/sound.js";
import { inOrder, timeText } from "../../document/songpath.js";
import { clamp } from "../../document/numbers.js";
import { contentOf } from "./path.js";

// remove(id) takes a stop off the path. Returns {element, draw(seconds of the song), focus(id)}.
export function createTimeline(studio, path, remove) {
  const { model } = studio;
  const pins = new Map(); // id -> button, kept while it is dragged
  const element = h("div", { class: "track", role: "group", "aria-label": "Path of sounds" });
  receives(element, model, (content) => path.add(contentOf(studio, content)));

  const listen = (id) => studio.listen(path.stop(id).sound);
  const shareAt = (event) => {
    const { left, width } = element.getBoundingClientRect();
    return clamp((event.clientX - left) / width, 0, 1);
  };

  function pinOf(id) {
    const pin = h("button", {
      class: "pin",
      role: "slider",
      "data-id": String(id),
      "aria-valuemin": "0",
      "aria-valuemax": "100",
      onpointerdown: (event) => {
        pin.setPointerCapture(event.pointerId);
        path.choose(id);
        listen(id);
      },
      onpointermove: (event) => pin.hasPointerCapture(event.pointerId) && path.move(id, shareAt(event)),
      onfocus: () => path.chosen !== id && path.choose(id),
      onkeydown: (event) => walk(event, id),
    });
    return pin;
  }

  function walk(event, id) {
    const { at } = path.stop(id);
    const step = event.shiftKey ? 0.1 : 0.01;
    const to = {
      ArrowLeft: at - step,
      ArrowDown: at - step,
      ArrowRight: at + step,
      ArrowUp: at + step,
      Home: 0,
      End: 1,
    }[event.key];
    if (to !== undefined) path.move(id, Math.round(to * 1e4) / 1e4);
    else if (event.key === "Delete" || event.key === "Backspace") remove(id);
    else if (event.key === "Enter") listen(id);
    else return;
    event.preventDefault();
  }

  function drawPin(pin, stop, seconds) {
    const percent = Math.round(stop.at * 1000) / 10;
    pin.style.setProperty("--hue", hueOf(stop.sound, model));
    pin.style.left = `${stop.at * 100}%`;
    pin.setAttribute("aria-label", stop.name);
    pin.setAttribute("aria-valuenow", String(percent));
    pin.setAttribute("aria-valuetext", `${timeText(stop.at * seconds)}, ${percent} %`);
    pin.setAttribute("aria-current", String(stop.id === path.chosen));
    pin.title = `${stop.name}: drag it along the song, or press Delete to remove it`;
  }

  // The colours that the path goes through, as a CSS background.
  function background() {
    const ordered = inOrder(path.stops);
    const colours = ordered.map(({ sound }) => `oklch(0.66 0.13 ${hueOf(sound, model)})`);
    if (colours.length < 2) return colours[0] ?? "var(--line)";
    return `linear-gradient(to right, ${colours.map((colour, index) => `${colour} ${ordered[index].at * 100}%`)})`;
  }

  return {
    element,
    draw(seconds) {
      const ids = new Set(path.stops.map(({ id }) => id));
      for (const [id, pin] of pins) if (!ids.has(id)) (pin.remove(), pins.delete(id));
      for (const stop of path.stops) {
        if (!pins.has(stop.id)) {
          pins.set(stop.id, pinOf(stop.id));
          element.append(pins.get(stop.id));
        }
        drawPin(pins.get(stop.id), stop, seconds);
      }
      element.style.setProperty("--path", background());
    },
    focus: (id) => pins.get(id)?.focus(),
  };
}
