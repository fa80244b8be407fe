// The pad's colours: the hues of its four corners and what lies between them.

import { sharesAt } from "../../document/project.js";
import { h } from "../../parts/dom.js";

const LOOKS = { dark: [0.36, 0.085], light: [0.86, 0.075] }; // lightness and chroma of the corners
const PIXELS = [48, 32]; // the browser smooths what lies between

// Hues mixed by their shares as light is, without detours over other hues. What cancels out goes to grey sooner than
// light does: the little that is left of many hues looks like mud.
export function mixed(hues, shares, lightness, chroma) {
  const sum = (of) => hues.reduce((all, hue, index) => all + shares[index] * chroma * of((hue * Math.PI) / 180), 0);
  const [a, b] = [sum(Math.cos), sum(Math.sin)];
  const left = Math.hypot(a, b) / chroma;
  return `oklab(${lightness} ${a * left ** 2} ${b * left ** 2})`;
}

// A canvas that shows the corners' `hues` (a to d) on a "light" or "dark" page: {element, paint}.
export function createGround() {
  const [width, height] = PIXELS;
  const element = h("canvas", { class: "ground", width, height, "aria-hidden": "true" });
  let painted = null;

  function paint(hues, look) {
    if (painted === `${look} ${hues}`) return;
    painted = `${look} ${hues}`;
    const [lightness, chroma] = LOOKS[look];
    const pen = element.getContext("2d");
    for (let row = 0; row < height; row++) {
      for (let column = 0; column < width; column++) {
        const shares = Object.values(sharesAt(column / (width - 1), row / (height - 1)));
        pen.fillStyle = mixed(hues, shares, lightness, chroma);
        pen.fillRect(column, row, 1, 1);
      }
    }
  }

  return { element, paint };
}
