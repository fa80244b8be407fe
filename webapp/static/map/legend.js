// What the colours of the map mean: a list of families, which filters by click, or a ramp of what was measured.

import { instrumentAt, reading, scaleOf } from "./atlas.js";
import { h } from "../parts/dom.js";
import { createRange } from "./range.js";

const STEPS = 64; // colours of the ramp
const FIRST_HUE = 275;
const HUES = 180; // from violet over red to yellow

// More is brighter on a dark ground and darker on a light one; even steps look even.
const ramp = (share, dark) =>
  dark
    ? `oklch(${0.42 + 0.5 * share} ${0.13 + 0.16 * share * (1 - share)} ${FIRST_HUE + HUES * share})`
    : `oklch(${0.84 - 0.5 * share} ${0.12 + 0.16 * share * (1 - share)} ${FIRST_HUE + HUES * (1 - share)})`;

export const familyColour = (hue, dark) => (dark ? `oklch(0.8 0.125 ${hue})` : `oklch(0.57 0.15 ${hue})`);

// The colours of all points by family ("family") or by a descriptor's name: {colours: place in palette of each point,
// palette: CSS colours, scale: of a descriptor}.
export function colouring(by, atlas, model, dark) {
  const colours = new Uint8Array(atlas.points);
  const index = atlas.descriptors.findIndex(({ name }) => name === by);
  if (index < 0) {
    const palette = [...model.families.map(({ hue }) => hue), 30].map((hue) => familyColour(hue, dark));
    for (let point = 0; point < atlas.points; point++) colours[point] = familyOf(atlas, point, model);
    return { colours, palette };
  }
  const values = atlas.values(index);
  const scale = scaleOf(values, atlas.descriptors[index].log);
  for (let point = 0; point < atlas.points; point++)
    colours[point] = Math.round(scale.share(values[point]) * (STEPS - 1));
  return { colours, palette: Array.from({ length: STEPS }, (_, step) => ramp(step / (STEPS - 1), dark)), scale };
}

// Place of a point's family in the model's list; one past the last for a point without a family.
export function familyOf(atlas, point, model) {
  const family = instrumentAt(atlas, point, model)?.family;
  const at = model.families.indexOf(family);
  return at < 0 ? model.families.length : at;
}

// The CSS colours as numbers 0x00BBGGRR, as the pixels of a canvas have them.
export function packed(colours) {
  const pen = h("canvas", { width: "1", height: "1" }).getContext("2d", { willReadFrequently: true });
  return colours.map((colour) => {
    pen.fillStyle = colour;
    pen.fillRect(0, 0, 1, 1);
    const [red, green, blue] = pen.getImageData(0, 0, 1, 1).data;
    return red | (green << 8) | (blue << 16);
  });
}

// pick(set of families, or null for all) when some are switched on or off, spotlight(family or null) while the pointer
// rests on one; families are places in the model's list. narrow({name, shares, from, to, text} or null) when a range of what was
// measured is chosen, in its unit.
export function createLegend({ atlas, model, pick, spotlight, narrow }) {
  const present = new Set(Array.from({ length: atlas.points }, (_, point) => familyOf(atlas, point, model)));
  const on = new Set();
  const buttons = new Map();
  for (const [index, { title, hue }] of model.families.entries()) {
    if (!present.has(index)) continue;
    const button = h(
      "button",
      {
        "aria-pressed": "false",
        title: `Only ${title}`,
        onclick: () => toggle(index),
        onpointerenter: (event) => event.pointerType === "mouse" && spotlight(index),
        onpointerleave: () => spotlight(null),
      },
      h("i", { style: `--hue: ${hue}` }),
      title,
    );
    buttons.set(index, button);
  }
  const families = h("div", { class: "families", role: "group", "aria-label": "Families" }, ...buttons.values());
  const title = h("strong", {});
  let measure = null; // {descriptor, scale} of the ramp
  const range = createRange((shares) => narrow(shares && valuesOf(shares)));
  const ticks = h("div", { class: "ticks" });
  const about = h("p", {});
  const measured = h("div", { class: "measured", hidden: true }, title, range.element, ticks, about);

  function toggle(index) {
    if (!on.delete(index)) on.add(index);
    if (on.size === buttons.size) on.clear();
    for (const [family, button] of buttons) button.setAttribute("aria-pressed", String(on.has(family)));
    families.classList.toggle("some", on.size > 0);
    pick(on.size ? on : null);
  }

  // Either end of the ramp stands for all beyond it.
  function valuesOf([from, to]) {
    const { descriptor, scale } = measure;
    const [low, high] = [from, to].map((share) => reading(scale.valueAt(share), descriptor.unit));
    return {
      name: descriptor.name,
      shares: [from, to],
      from: from > 0 ? scale.valueAt(from) : -Infinity,
      to: to < 1 ? scale.valueAt(to) : Infinity,
      text: `${descriptor.title} ${from === 0 ? `up to ${high}` : to === 1 ? `from ${low}` : `${low} to ${high}`}`,
    };
  }

  return {
    element: h("div", { class: "legend" }, families, measured),
    showRange: (one) => range.show(one),
    show(by, { palette, scale }) {
      const descriptor = atlas.descriptors.find(({ name }) => name === by);
      measured.hidden = !descriptor;
      families.hidden = Boolean(descriptor);
      if (!descriptor) return;
      title.textContent = descriptor.title;
      about.textContent = descriptor.about;
      measure = { descriptor, scale };
      range.element.style.setProperty("--ramp", palette.filter((_, step) => step % 7 === 0).join(", "));
      ticks.replaceChildren(...[1, 0.5, 0].map((part) => h("span", {}, reading(scale.valueAt(part), descriptor.unit))));
    },
  };
}
