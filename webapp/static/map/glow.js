// A glow where many bright points lie, in their mean colour, on a small canvas that is stretched below the points.

import { h } from "../parts/dom.js";

const CELLS = 128; // across
const EDGE = 0.12; // of the map, around it
const SPAN = 1 + 2 * EDGE;

export function createGlow() {
  const element = h("canvas", { class: "glow", width: String(CELLS), height: String(CELLS) });
  const cellOf = (value) => Math.floor(((value + EDGE) / SPAN) * CELLS);

  // Red, green and blue of the bright points in each cell, summed, and how many there are.
  function summed({ places, lit, colours, palette }) {
    const sums = [0, 1, 2, 3].map(() => new Float32Array(CELLS * CELLS));
    for (let point = 0; point < lit.length; point++) {
      if (!lit[point]) continue;
      const column = cellOf(places[2 * point]);
      const row = cellOf(places[2 * point + 1]);
      if (!(column >= 0 && row >= 0 && column < CELLS && row < CELLS)) continue;
      const colour = palette.dots[colours[point]];
      const at = row * CELLS + column;
      for (let part = 0; part < 3; part++) sums[part][at] += (colour >>> (8 * part)) & 255;
      sums[3][at]++;
    }
    return sums;
  }

  return {
    element,
    draw(points) {
      const soft = summed(points).map((sum) => blurred(blurred(sum, CELLS, 2), CELLS, 3));
      const image = new ImageData(CELLS, CELLS);
      const typical = points.lit.length / CELLS ** 2;
      for (let at = 0; at < CELLS ** 2; at++) {
        const many = soft[3][at];
        if (many <= 0) continue;
        for (let part = 0; part < 3; part++) image.data[4 * at + part] = soft[part][at] / many;
        image.data[4 * at + 3] = 255 * points.palette.glow * (1 - Math.exp(-many / typical / 2.5));
      }
      element.getContext("2d").putImageData(image, 0, 0);
    },
    // Stretches it to where the map is seen.
    follow({ scale, x, y }) {
      const edge = EDGE * scale;
      element.style.transform = `translate(${x - edge}px, ${y - edge}px) scale(${(scale * SPAN) / CELLS})`;
    },
  };
}

// A square of numbers, `side` across, softened by a box of 2 * reach + 1 in both directions.
function blurred(values, side, reach) {
  const along = (from, step, jump) => {
    const to = new Float32Array(from.length);
    for (let line = 0; line < side; line++) {
      let sum = 0;
      for (let at = -reach; at < side; at++) {
        if (at + reach < side) sum += from[line * jump + (at + reach) * step];
        if (at - reach - 1 >= 0) sum -= from[line * jump + (at - reach - 1) * step];
        if (at >= 0) to[line * jump + at * step] = sum / (2 * reach + 1);
      }
    }
    return to;
  };
  return along(along(values, 1, side), side, 1);
}
