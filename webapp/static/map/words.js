// What the map says: the name at a point, the line at its foot, and what is read aloud.

import { h } from "../parts/dom.js";
import { hueOf, titleOf } from "../document/sound.js";
import { instrumentAt, placeOf, reading, slotsOnMap } from "./atlas.js";

const SHOWN = ["brightness", "attack", "decay", "noisiness"]; // descriptors at the foot of the map
const HINTS = {
  mouse: "Hover to hear. Click: A, Shift-click: B. Drag from a sound to morph, elsewhere to blend",
  touch: "Tap to hear, again for A, hold for B. Drag to morph or blend",
};
const FINGERS = matchMedia("(hover: none)");

// `bar.colour` names a descriptor that is told beside the usual ones.
export function createWords({ studio, atlas, sky, bar }) {
  const { model } = studio;
  let described = null; // point whose name is shown
  let used = false; // somebody did what the hint says

  const label = h("div", { class: "name", hidden: true });
  const note = h("p", { class: "note" });
  const said = h("p", { class: "said", role: "status", "aria-live": "polite" });
  const help = h(
    "p",
    { class: "said", id: "map-help" },
    "Arrow keys move from sound to sound. Enter puts one into A, Shift+Enter into B, and Ctrl+Enter selects it.",
  );

  const nameOf = (point) => titleOf(atlas.sound(point), model);
  const measuredOf = (point, names) =>
    atlas.descriptors.flatMap(({ name, title, unit }, index) =>
      names.includes(name) ? [[title, reading(atlas.values(index)[point], unit)]] : [],
    );

  // The name stands at the point and what was measured at the foot of the map, so that neighbours stay in sight.
  function describe(point) {
    described = point;
    label.hidden = point === null;
    tell();
    if (point === null) return;
    label.style.setProperty("--hue", hueOf(atlas.sound(point), model));
    label.replaceChildren(
      instrumentAt(atlas, point, model)?.title ?? model.title,
      h("span", {}, `seed ${atlas.seeds[point]}`),
    );
    place();
  }

  function place() {
    if (described === null) return;
    const { x, y } = sky.toScreen(sky.place(described));
    const left = Math.min(sky.size.width - label.offsetWidth - 6, Math.max(6, x - label.offsetWidth / 2));
    const top = y > label.offsetHeight + 22 ? y - label.offsetHeight - 14 : y + 14;
    label.style.transform = `translate(${Math.round(left)}px, ${Math.round(top)}px)`;
  }

  function say(point, what = "") {
    const rows = measuredOf(point, [SHOWN[0], bar.colour]).map((row) => row.join(" "));
    const family = instrumentAt(atlas, point, model)?.family.title;
    said.textContent = [`${nameOf(point)} ${what}`.trim(), family, ...rows].filter(Boolean).join(", ");
  }

  // The line at the foot of the map: what was measured of the point in sight, what keeps the map silent, what is not on
  // it, or how to begin.
  function tell() {
    const silent = !studio.project.audition;
    const off = !studio.engine.isRunning();
    note.classList.toggle("urgent", off || silent);
    if (!sky.lit.includes(1)) note.textContent = "No sounds on the map match";
    else if (off) note.textContent = "Sound is off: click once to hear the map";
    else if (described !== null) note.replaceChildren(...facts(described));
    else if (silent) note.textContent = "“Hear changes” is off: hovering makes no sound";
    else if (!used) note.textContent = FINGERS.matches ? HINTS.touch : HINTS.mouse;
    else note.textContent = missing();
  }

  const facts = (point) =>
    measuredOf(point, [...SHOWN, bar.colour]).map(([title, value]) => h("span", {}, title, h("b", {}, value)));

  function missing() {
    const away = slotsOnMap(studio.project)
      .filter(([, slot]) => !placeOf(slot.sound, atlas, sky))
      .map(([name]) => name.toUpperCase());
    return away.length ? `${away.join(" and ")} ${away.length > 1 ? "are" : "is"} not on the map` : "";
  }

  return {
    label,
    note,
    said,
    help,
    nameOf,
    describe,
    describes: (point) => described === point,
    place,
    say,
    tell,
    // Reads a sentence aloud.
    announce: (sentence) => (said.textContent = sentence),
    begun: () => (used = true),
  };
}
