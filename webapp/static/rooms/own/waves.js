// How a recording, and what the voice makes of it, are drawn.

import { outline } from "../../audio/recording.js";

const COLUMN = 2; // pixels

/**
 * The recording as it is seen from view.from to view.to (seconds), and below it `made`, if there is something.
 * @param {HTMLCanvasElement} canvas
 * @param {any} shown  see trim.js
 * @param {{from: number, to: number}} view
 * @param {CSSStyleDeclaration} style
 */
export function drawWaves(canvas, { recording: { samples, rate }, part, made }, view, style) {
  const pen = sized(canvas);
  if (!pen) return;
  const { width, height } = canvas;
  const columns = Math.ceil(width / COLUMN);
  const [middle, room] = made ? [height * 0.3, height * 0.24] : [height / 2, height * 0.44];
  const wave = outline(samples, columns, view.from * rate, view.to * rate);
  const peak = Math.max(1e-6, ...outline(samples, columns, part.from * rate, part.to * rate));
  bars(pen, wave, middle, room / peak, room * 1.15, style.getPropertyValue("--muted"));
  if (!made) return;
  const from = (view.from - made.part.from) * made.rate;
  const ours = outline(made.ours, columns, from, from + (view.to - view.from) * made.rate);
  bars(
    pen,
    ours,
    height * 0.76,
    (height * 0.19) / Math.max(1, ...ours),
    height * 0.2,
    style.getPropertyValue("--accent"),
  );
}

/**
 * All of a long recording with its part marked.
 * @param {HTMLCanvasElement} canvas
 */
export function drawStrip(canvas, { samples, rate }, part, style) {
  const pen = sized(canvas);
  if (!pen) return;
  const { width, height } = canvas;
  const wave = outline(samples, Math.ceil(width / COLUMN));
  const at = (time) => ((time * rate) / samples.length) * width;
  pen.fillStyle = style.getPropertyValue("--accent-soft");
  pen.fillRect(at(part.from), 0, Math.max(3, at(part.to) - at(part.from)), height);
  const room = height * 0.45;
  bars(pen, wave, height / 2, room / Math.max(1e-6, ...wave), room, style.getPropertyValue("--muted"));
}

// The canvas's pen, with as many pixels as the screen has; null while it is not to be seen.
function sized(canvas) {
  const ratio = Math.min(2, devicePixelRatio || 1);
  if (!canvas.clientWidth) return null;
  canvas.width = Math.round(canvas.clientWidth * ratio);
  canvas.height = Math.round(canvas.clientHeight * ratio);
  return canvas.getContext("2d");
}

function bars(pen, sizes, middle, scale, most, colour) {
  pen.fillStyle = colour;
  sizes.forEach((size, column) => {
    const half = Math.max(0.5, Math.min(most, size * scale));
    pen.fillRect(column * COLUMN, middle - half, COLUMN - 0.6, 2 * half);
  });
}
