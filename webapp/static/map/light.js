// How the points look: in which colours, and which of them are bright. Only bright points are found and heard.

import { matches } from "../document/search.js";
import { createCharacter } from "./character.js";
import { instrumentOf } from "../document/sound.js";
import { isDark } from "../parts/theme.js";
import { colouring, createLegend, familyColour, familyOf, packed } from "./legend.js";

const ALIKE = 48; // points that are shown as being like a sound

// changed() when other points are bright. `bar` is asked for what was typed and for the colours' meaning, and shows the
// ranges and likeness that narrow the points down.
export function createLight({ host, model, atlas, sky, bar, changed }) {
  let only = null; // families that are switched on
  let spot = null; // family under the pointer in the legend
  const ranges = new Map(); // descriptor -> {shares, from, to, text}
  let alike = null; // {points, name}: those that are like a sound
  let dark = new Set(); // instruments none of whose points is bright
  let ink = null; // colours and font of what is drawn over the points

  const legend = createLegend({
    atlas,
    model,
    pick: (families) => ((only = families), light()),
    spotlight: (family) => ((spot = family), light()),
    narrow(range) {
      if (range) ranges.set(range.name, range);
      else ranges.delete(bar.colour);
      filtered();
    },
  });
  const character = createCharacter(atlas);
  const instruments = atlas.names.map((name) => instrumentOf(name, model));
  const titles = instruments.map((instrument, owner) => instrument?.title ?? atlas.names[owner]);

  function paint() {
    const night = isDark();
    const style = getComputedStyle(host);
    ink = {
      strong: style.getPropertyValue("--ink"),
      ground: night ? "#0d0f14" : "#fffdf8",
      veil: night ? "rgb(255 255 255 / 0.08)" : "rgb(0 0 0 / 0.06)",
      onHue: night ? "#121316" : "#ffffff",
      font: style.fontFamily,
      hue: (hue) => familyColour(hue, night),
    };
    const { colours, palette, scale } = colouring(bar.colour, atlas, model, night);
    legend.show(bar.colour, { palette, scale });
    legend.showRange(ranges.get(bar.colour)?.shares ?? null);
    sky.paint(colours, {
      dots: packed(palette),
      dim: packed([night ? "#6f7480" : "#a59f92"])[0],
      glow: night ? 0.34 : 0.3,
    });
  }

  // Whether a point is meant by a word: it begins one of its instrument's or family's name, or tells how it sounds.
  function meaning(word) {
    const named = instruments.map((instrument, owner) => matches(word, titles[owner], instrument?.family.title ?? ""));
    const sounds = character.meaning(word);
    return (point) => named[atlas.owners[point]] || Boolean(sounds?.(point));
  }

  function within({ name, from, to }) {
    const values = atlas.values(atlas.descriptors.findIndex((one) => one.name === name));
    return (point) => values[point] >= from && values[point] <= to;
  }

  // The filters in force, as something to take away.
  function filtered() {
    legend.showRange(ranges.get(bar.colour)?.shares ?? null);
    const remove = (range) => () => (ranges.delete(range.name), filtered());
    bar.showFilters([
      ...(alike ? [{ text: `Like ${alike.name}`, remove: () => ((alike = null), filtered()) }] : []),
      ...[...ranges.values()].map((range) => ({ text: range.text, remove: remove(range) })),
    ]);
    light();
  }

  // Bright is what matches the query and all filters, of the families that are switched on or pointed at.
  function light() {
    const typed = bar.query.toLowerCase().split(/[\s,_]+/);
    const tests = [...typed.filter(Boolean).map(meaning), ...[...ranges.values()].map(within)];
    if (alike) tests.push((point) => alike.points.has(point));
    const lit = new Set();
    for (let point = 0; point < atlas.points; point++) {
      const family = familyOf(atlas, point, model);
      const chosen = spot !== null ? family === spot : !only || only.has(family);
      sky.lit[point] = Number(chosen && tests.every((test) => test(point)));
      if (sky.lit[point]) lit.add(atlas.owners[point]);
    }
    dark = new Set(atlas.names.keys().filter((owner) => !lit.has(owner)));
    sky.flagged();
    changed();
  }

  return {
    legend: legend.element,
    character,
    titles, // of the instruments, in the atlas's order
    paint,
    light,
    // Leaves the points that are most like what was measured, one number for each of the atlas's descriptors.
    showLike(measured, name) {
      ranges.clear();
      alike = { points: character.nearest(measured, ALIKE), name };
      filtered();
    },
    get ink() {
      return ink;
    },
    isDark: (owner) => dark.has(owner),
  };
}
