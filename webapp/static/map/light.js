// How the points look: in which colours, and which of them are bright. Only bright points are found and heard.

import { matches } from "../document/search.js";
import { instrumentOf } from "../document/sound.js";
import { isDark } from "../parts/theme.js";
import { colouring, createLegend, familyColour, familyOf, packed } from "./legend.js";

// changed() when other points are bright. `bar` is asked for what was typed and for the colours' meaning.
export function createLight({ host, model, atlas, sky, bar, changed }) {
  let only = null; // families that are switched on
  let spot = null; // family under the pointer in the legend
  let dark = new Set(); // instruments none of whose points is bright
  let ink = null; // colours and font of what is drawn over the points

  const legend = createLegend({
    atlas,
    model,
    pick: (families) => ((only = families), light()),
    spotlight: (family) => ((spot = family), light()),
  });
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
    sky.paint(colours, {
      dots: packed(palette),
      dim: packed([night ? "#6f7480" : "#a59f92"])[0],
      glow: night ? 0.34 : 0.3,
    });
  }

  // Bright is what matches the query, of the families that are switched on or pointed at.
  function light() {
    const { query } = bar;
    const wanted = instruments.map(
      (instrument, owner) => !query || matches(query, titles[owner], instrument?.family.title ?? ""),
    );
    const lit = new Set();
    for (let point = 0; point < atlas.points; point++) {
      const family = familyOf(atlas, point, model);
      const chosen = spot !== null ? family === spot : !only || only.has(family);
      sky.lit[point] = Number(chosen && (wanted[atlas.owners[point]] ?? !query));
      if (sky.lit[point]) lit.add(atlas.owners[point]);
    }
    dark = new Set(atlas.names.keys().filter((owner) => !lit.has(owner)));
    sky.flagged();
    changed();
  }

  return {
    legend: legend.element,
    titles, // of the instruments, in the atlas's order
    paint,
    light,
    get ink() {
      return ink;
    },
    isDark: (owner) => dark.has(owner),
  };
}
