// The canvases of the map: a glow where many points lie, the points themselves, and a layer on top for what moves. It
// knows places and colours, and nothing of sounds.

import { h } from "../parts/dom.js";
import { createArrangement } from "./arrangement.js";
import { createCamera } from "./camera.js";
import { createGlow } from "./glow.js";
import { CHOSEN, createPoints, DIM, LIT } from "./points.js";
import { toPlace, toScreen } from "./scatter.js";

const ALL = { base: true, glow: true, over: true };
const NARROWEST = 40; // pixels of the frame that stay, whatever covers the canvas

// Runs draw(what, now) in the next frame with all that was asked for until then, {base, glow, over}.
function createFrames(draw) {
  let due = {};
  let waiting = false;
  return function ask(what) {
    Object.assign(due, what);
    if (waiting) return;
    waiting = true;
    requestAnimationFrame((now) => {
      const what = due;
      waiting = false;
      due = {};
      draw(what, now);
    });
  };
}

// What of a canvas of this size nothing covers.
const frameWithin = ({ width, height }, { left, top, right, bottom }) => ({
  left,
  top,
  right: Math.max(left + NARROWEST, width - right),
  bottom: Math.max(top + NARROWEST, height - bottom),
});

// `layouts` are places by name; `insets()` what of the canvas is covered, {left, top, right, bottom} in CSS pixels;
// `drawOver(pen, now)` draws the top layer and tells whether it is still moving.
export function createSky({ layouts, first, insets, drawOver }) {
  const count = layouts[first].length / 2;
  const shown = new Uint8Array(count).fill(LIT);
  const lit = new Uint8Array(count).fill(1);
  const chosen = new Uint8Array(count);
  const over = h("canvas", { class: "over" });
  const glow = createGlow();
  const points = createPoints(count);
  const arrangement = createArrangement(layouts, first);
  const camera = createCamera(
    () => frameWithin(size, insets()),
    () => ask({ base: true, over: true }),
  );
  const ask = createFrames(draw);
  const painted = { frames: 0, milliseconds: 0 };
  let size = { width: 1, height: 1, ratio: 1 };
  let look = { colours: new Uint8Array(count), palette: { dots: [0], dim: 0, glow: 0.5 } };

  function draw(due, now) {
    if (!over.isConnected) return;
    const turned = arrangement.advance(now);
    const flown = camera.advance(now);
    const dots = due.base || turned || flown;
    const began = performance.now();
    const { places } = arrangement;
    if (due.glow || turned) glow.draw({ places, lit, ...look });
    if (dots) {
      points.draw({ places, shown, view: camera.view, whole: camera.whole, ...look });
      glow.follow(camera.view);
      painted.frames++;
    }
    painted.milliseconds += performance.now() - began;
    const moving = (dots || due.over) && paintOver(now);
    if (arrangement.isChanging() || camera.isFlying()) ask({ base: true, glow: arrangement.isChanging(), over: true });
    else if (moving) ask({ over: true });
  }

  function paintOver(now) {
    const pen = over.getContext("2d");
    pen.setTransform(size.ratio, 0, 0, size.ratio, 0, 0);
    pen.clearRect(0, 0, size.width, size.height);
    return drawOver(pen, now);
  }

  function resize() {
    const { clientWidth: width, clientHeight: height } = over;
    if (!width || !height) return;
    const ratio = Math.min(2, devicePixelRatio || 1);
    size = { width, height, ratio };
    points.resize(width, height, ratio);
    over.width = Math.round(width * ratio);
    over.height = Math.round(height * ratio);
    camera.resized(arrangement.bounds());
    ask(ALL);
  }

  const watch = new ResizeObserver(resize);
  watch.observe(over);

  return {
    canvases: [glow.element, points.element, over],
    painted,
    lit,
    chosen,
    get size() {
      return size;
    },
    get layout() {
      return arrangement.name;
    },
    get changing() {
      return arrangement.isChanging();
    },
    get scale() {
      return camera.view.scale;
    },
    get places() {
      return arrangement.settled;
    },
    place: (point) => ({ x: arrangement.places[2 * point], y: arrangement.places[2 * point + 1] }),
    toScreen: ({ x, y }) => toScreen(camera.view, x, y),
    toPlace: ({ x, y }) => toPlace(camera.view, x, y),
    // The `k` bright points nearest to a place of the screen, nearest first, with their distance in pixels.
    nearest({ x, y }, k, within = Infinity) {
      const { scale } = camera.view;
      const at = toPlace(camera.view, x, y);
      const found = arrangement.nearest(at.x, at.y, k, lit, within / scale);
      return found.map(({ point, distance }) => ({ point, distance: distance * scale }));
    },
    // Each point's place in the palette {dots: colours 0x00BBGGRR, dim, glow: strength from 0 to 1}.
    paint(colours, palette) {
      look = { colours, palette };
      ask(ALL);
    },
    // To be called after `lit` or `chosen` were changed.
    flagged() {
      for (let point = 0; point < count; point++) shown[point] = chosen[point] ? CHOSEN : lit[point] ? LIT : DIM;
      ask(ALL);
    },
    arrange(name) {
      if (name === arrangement.name) return;
      arrangement.turnTo(name);
      camera.rearranged(arrangement.bounds());
      ask(ALL);
    },
    pan: camera.pan,
    zoom: camera.zoom,
    fit: camera.fit,
    middle: camera.middle,
    // Flies to where all of `points` are seen.
    show: (points) => points.length && camera.show(arrangement.bounds(points)),
    // Moves the view just so far that a point is well inside.
    reveal: (point) => camera.reveal({ x: arrangement.settled[2 * point], y: arrangement.settled[2 * point + 1] }),
    repaint: () => ask({ over: true }),
    leave: () => watch.disconnect(),
  };
}
