// The layer over the points: names of instruments, where A, B and the sound that plays are, and ripples of what sounds.

import { hueOf } from "../document/sound.js";
import { target } from "../document/project.js";
import { islandsOf, LAYOUTS, nearOf, placeOf, slotsOnMap } from "./atlas.js";
import { drawMarks, drawNames, fades, nameBelow } from "./marks.js";

const LOOSE = 0.045; // of the map: an instrument whose points lie further apart is no island and has no name
const STILL = matchMedia("(prefers-reduced-motion: reduce)");

// `light` as in light.js; moment(on) adds what the pointer, the keyboard and a drag show, as marks.js draws it, where
// on(point) is a point's place on the screen; `owns` as in owns.js.
export function createOverlay({ studio, atlas, sky, light, owns, moment }) {
  const { model } = studio;
  const islands = Object.fromEntries(
    LAYOUTS.map((name) => [name, islandsOf(atlas, atlas.layouts[name]).filter(({ spread }) => spread < LOOSE)]),
  );
  let ripples = [];

  const on = (point) => ({ ...sky.toScreen(sky.place(point)), radius: 7 });
  const placed = (sound) => placeOf(sound, atlas, sky);

  function names() {
    if (sky.changing) return [];
    return islands[sky.layout]
      .filter(({ owner }) => !light.isDark(owner))
      .map(({ owner, x, y }) => ({ text: light.titles[owner], ...sky.toScreen({ x, y }) }));
  }

  // The slots that have a place, in the order of the line or of the pad's rim.
  function ends() {
    const active = target(studio.project);
    const found = slotsOnMap(studio.project).flatMap(([name, { sound, name: called }]) => {
      const place = placed(sound);
      if (!place) return [];
      return {
        letter: name.toUpperCase(),
        hue: hueOf(sound, model),
        exact: place.exact,
        active: name === active,
        text: sound.z === undefined ? null : called,
        among: (nearOf(sound, atlas, sky.layout) ?? []).map(([point]) => on(point)),
        ...sky.toScreen(place),
      };
    });
    return found.length > 2 ? [found[0], found[1], ...found.slice(2).reverse()] : found;
  }

  function scene() {
    const marks = ends();
    const mix = target(studio.project) === "mix" ? placed(studio.sound) : null;
    return {
      ends: marks,
      owns: owns.marks(),
      closed: marks.length > 2,
      handle: mix && sky.toScreen(mix),
      ...moment(on),
      ripples: ripples.map(({ point, began }) => ({ began, ...on(point), hue: hueOf(atlas.sound(point), model) })),
    };
  }

  return {
    // Draws the layer, and returns whether something on it still moves.
    draw(pen, now) {
      const { ink } = light;
      if (!ink) return false;
      ripples = ripples.filter((ripple) => !fades(ripple, now));
      const shown = scene();
      const named = [...shown.ends, ...shown.owns].filter(({ text }) => text).map(nameBelow);
      drawNames(pen, names(), named, sky.size, ink);
      return drawMarks(pen, shown, sky.size, ink, now, STILL.matches);
    },
    ripple(point) {
      ripples.push({ point, began: performance.now() });
      sky.repaint();
    },
  };
}
