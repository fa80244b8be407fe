// The canvas of the points: dim ones, bright ones, and chosen ones on top.

import { h } from "../parts/dom.js";
import { createStamp, drawDots } from "./dots.js";

export const [DIM, LIT, CHOSEN] = [0, 1, 2];
const PAD = 16; // pixels around the canvas in which dots are drawn that reach into it
const MOST_STAMPS = 40;

// `count` points.
export function createPoints(count) {
  const element = h("canvas", { class: "points" });
  const plain = new Uint8Array(count); // dim points have one colour
  let ratio = 1; // device pixels a CSS pixel
  let pixels = null; // {image, data}
  let stamps = new Map(); // radius in device pixels -> stamp

  // Points of about a third of their mean distance, larger as one comes nearer, but less than the zoom would have it.
  function radius(view, whole) {
    const apart = whole.scale / Math.sqrt(count);
    const near = Math.max(1, view.scale / whole.scale);
    return Math.min(6, Math.max(1.35, Math.min(3.5, 0.3 * apart)) * near ** 0.4);
  }

  function stampOf(css) {
    const radius = Math.round(css * ratio * 10) / 10;
    if (!stamps.has(radius)) {
      if (stamps.size > MOST_STAMPS) stamps.clear();
      stamps.set(radius, createStamp(radius, pixels.image.width));
    }
    return stamps.get(radius);
  }

  return {
    element,
    resize(width, height, nextRatio) {
      ratio = nextRatio;
      element.width = Math.round(width * ratio);
      element.height = Math.round(height * ratio);
      const image = new ImageData(element.width + 2 * PAD, element.height + 2 * PAD);
      pixels = { image, data: new Uint32Array(image.data.buffer) };
      stamps = new Map();
    },
    // `shown` is DIM, LIT or CHOSEN for each point; `whole` the view of all of the map.
    draw({ places, shown, colours, palette, view, whole }) {
      if (!pixels) return;
      const { image, data } = pixels;
      data.fill(0);
      const near = { scale: view.scale * ratio, x: view.x * ratio + PAD, y: view.y * ratio + PAD };
      const size = radius(view, whole);
      const some = shown.includes(CHOSEN);
      const dots = (kind, share, alpha, look) => {
        const stamp = stampOf(size * share);
        drawDots(data, image.width, image.height, { places, shown, kind, view: near, stamp, alpha, ...look });
      };
      dots(DIM, 0.8, 0.3, { colours: plain, palette: [palette.dim] });
      dots(LIT, 1, some ? 0.35 : 0.95, { colours, palette: palette.dots });
      if (some) dots(CHOSEN, 1.25, 1, { colours, palette: palette.dots });
      element.getContext("2d").putImageData(image, -PAD, -PAD);
    },
  };
}
