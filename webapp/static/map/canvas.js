// The canvases of the map: a glow where many points lie, the points themselves, and a layer on top for what moves. It
// knows places and colours, and nothing of sounds.

import { createStamp, drawDots } from "./dots.js";
import { h } from "../parts/dom.js";
import { between, boundsOf, createIndex, fitted, kept, toPlace, toScreen, zoomed } from "./scatter.js";

const PAD = 16; // pixels around the canvas in which dots are drawn that reach into it
const MOST_ZOOM = 60; // times the whole map
const LAYOUT_MS = 700;
const FLY_MS = 350;
const GLOW = 128; // cells of the glow, across
const GLOW_EDGE = 0.12; // of the map, around it
const [DIM, LIT, CHOSEN] = [0, 1, 2];
const REDUCED = matchMedia("(prefers-reduced-motion: reduce)");

const eased = (share) => (share < 0.5 ? 4 * share ** 3 : 1 - (2 - 2 * share) ** 3 / 2);

// `layouts` are places by name; `insets()` what of the canvas is covered, {left, top, right, bottom} in CSS pixels;
// `drawOver(pen, now)` draws the top layer and tells whether it is still moving.
export function createSky({ layouts, first, insets, drawOver }) {
  const count = layouts[first].length / 2;
  const glow = h("canvas", { class: "glow", width: String(GLOW), height: String(GLOW) });
  const base = h("canvas", { class: "points" });
  const over = h("canvas", { class: "over" });
  const everyone = Array.from({ length: count }, (_, point) => point);
  const indexes = {};
  const shown = new Uint8Array(count).fill(LIT);
  const lit = new Uint8Array(count).fill(1);
  const chosen = new Uint8Array(count);

  let size = { width: 1, height: 1, ratio: 1 };
  let view = { scale: 1, x: 0, y: 0 };
  let whole = view; // the view that shows all of it
  let moved = false; // by hand, away from `whole`
  let layout = first;
  let places = layouts[first];
  let changing = null; // {from, to, began} while one layout turns into another
  let flying = null; // {from, to, began}
  let colours = new Uint8Array(count);
  let palette = { dots: [0], dim: 0, glow: 0.5, paper: false };
  let pixels = null; // {image, data}
  let stamps = new Map();
  let due = { base: false, glow: false, over: false };
  let waiting = false;
  const painted = { frames: 0, milliseconds: 0 };

  function ask(what) {
    Object.assign(due, what);
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(frame);
  }

  function frame(now) {
    waiting = false;
    if (!base.isConnected) return;
    advance(now);
    const { base: dots, glow: cloud, over: top } = due;
    due = { base: false, glow: false, over: false };
    const began = performance.now();
    if (cloud) drawGlow();
    if (dots) drawPoints();
    if (dots) painted.frames++;
    painted.milliseconds += performance.now() - began;
    const moving = (dots || top) && paintOver(now);
    if (changing || flying) ask({ base: true, glow: Boolean(changing), over: true });
    else if (moving) ask({ over: true });
  }

  function advance(now) {
    if (changing) {
      const share = REDUCED.matches ? 1 : Math.min(1, (now - changing.began) / LAYOUT_MS);
      if (share === 1) {
        places = layouts[layout];
        changing = null;
      } else {
        const done = eased(share);
        const mixed = new Float32Array(2 * count);
        for (let at = 0; at < mixed.length; at++)
          mixed[at] = changing.from[at] + (changing.to[at] - changing.from[at]) * done;
        places = mixed;
      }
      due.base = due.glow = due.over = true;
    }
    if (flying) {
      const share = REDUCED.matches ? 1 : Math.min(1, (now - flying.began) / FLY_MS);
      view = share === 1 ? flying.to : between(flying.from, flying.to, eased(share));
      if (share === 1) flying = null;
      due.base = due.over = true;
    }
  }

  // Points of about a third of their mean distance, larger as one comes nearer, but less than the zoom would have it.
  function radius() {
    const apart = whole.scale / Math.sqrt(count);
    const near = Math.max(1, view.scale / whole.scale);
    return Math.min(6, Math.max(1.35, Math.min(3.5, 0.3 * apart)) * near ** 0.4);
  }

  function stampOf(css) {
    const radius = Math.round(css * size.ratio * 10) / 10;
    if (!stamps.has(radius)) {
      if (stamps.size > 40) stamps.clear();
      stamps.set(radius, createStamp(radius, pixels.image.width));
    }
    return stamps.get(radius);
  }

  function drawPoints() {
    if (!pixels) return;
    const { image, data } = pixels;
    const { ratio } = size;
    data.fill(0);
    const some = chosen.includes(1);
    const near = { scale: view.scale * ratio, x: view.x * ratio + PAD, y: view.y * ratio + PAD };
    const common = { places, shown, view: near };
    const dots = { ...common, colours, palette: palette.dots };
    drawDots(data, image.width, image.height, {
      ...common,
      kind: DIM,
      stamp: stampOf(radius() * 0.8),
      colours: NONE(count),
      palette: [palette.dim],
      alpha: 0.3,
    });
    drawDots(data, image.width, image.height, {
      ...dots,
      kind: LIT,
      stamp: stampOf(radius()),
      alpha: some ? 0.35 : 0.95,
    });
    if (some)
      drawDots(data, image.width, image.height, { ...dots, kind: CHOSEN, stamp: stampOf(radius() * 1.25), alpha: 1 });
    base.getContext("2d").putImageData(image, -PAD, -PAD);
    const cell = (view.scale * (1 + 2 * GLOW_EDGE)) / GLOW;
    glow.style.transform = `translate(${view.x - GLOW_EDGE * view.scale}px, ${view.y - GLOW_EDGE * view.scale}px) scale(${cell})`;
  }

  // How many bright points lie around each place, in their mean colour, softened.
  function drawGlow() {
    const cells = GLOW * GLOW;
    const sums = [0, 1, 2, 3].map(() => new Float32Array(cells));
    for (let point = 0; point < count; point++) {
      if (!lit[point]) continue;
      const column = Math.floor(((places[2 * point] + GLOW_EDGE) / (1 + 2 * GLOW_EDGE)) * GLOW);
      const row = Math.floor(((places[2 * point + 1] + GLOW_EDGE) / (1 + 2 * GLOW_EDGE)) * GLOW);
      if (!(column >= 0 && row >= 0 && column < GLOW && row < GLOW)) continue;
      const colour = palette.dots[colours[point]];
      const at = row * GLOW + column;
      for (let part = 0; part < 3; part++) sums[part][at] += (colour >>> (8 * part)) & 255;
      sums[3][at]++;
    }
    const soft = sums.map((sum) => blurred(blurred(sum, GLOW, 2), GLOW, 3));
    const image = new ImageData(GLOW, GLOW);
    const typical = count / cells;
    for (let at = 0; at < cells; at++) {
      const many = soft[3][at];
      if (many <= 0) continue;
      for (let part = 0; part < 3; part++) image.data[4 * at + part] = soft[part][at] / many;
      image.data[4 * at + 3] = 255 * palette.glow * (1 - Math.exp(-many / typical / 2.5));
    }
    glow.getContext("2d").putImageData(image, 0, 0);
  }

  function paintOver(now) {
    const pen = over.getContext("2d");
    pen.setTransform(size.ratio, 0, 0, size.ratio, 0, 0);
    pen.clearRect(0, 0, size.width, size.height);
    return drawOver(pen, now);
  }

  function resize() {
    const { clientWidth: width, clientHeight: height } = base;
    if (!width || !height) return;
    const ratio = Math.min(2, devicePixelRatio || 1);
    size = { width, height, ratio };
    for (const canvas of [base, over]) {
      canvas.width = Math.round(width * ratio);
      canvas.height = Math.round(height * ratio);
    }
    const image = new ImageData(base.width + 2 * PAD, base.height + 2 * PAD);
    pixels = { image, data: new Uint32Array(image.data.buffer) };
    stamps = new Map();
    const before = whole;
    whole = fitted(boundsOf(layouts[layout], everyone), frameOf());
    if (moved) view = kept({ ...view, scale: (view.scale * whole.scale) / before.scale }, frameOf());
    else view = whole;
    ask({ base: true, glow: true, over: true });
  }

  const frameOf = () => {
    const { left, top, right, bottom } = insets();
    return {
      left,
      top,
      right: Math.max(left + 40, size.width - right),
      bottom: Math.max(top + 40, size.height - bottom),
    };
  };

  function look(next, { soon = false } = {}) {
    moved = next !== whole;
    flying = soon ? { from: view, to: next, began: performance.now() } : null;
    if (!soon) view = next;
    ask({ base: true, over: true });
  }

  const held = (next) => kept(next, frameOf());
  const limits = () => [whole.scale * 0.8, whole.scale * MOST_ZOOM];
  const onWay = () => flying?.to ?? view;

  const watch = new ResizeObserver(resize);
  watch.observe(base);

  return {
    canvases: [glow, base, over],
    painted,
    lit,
    chosen,
    get size() {
      return size;
    },
    get layout() {
      return layout;
    },
    get changing() {
      return changing !== null;
    },
    get scale() {
      return view.scale;
    },
    place: (point) => ({ x: places[2 * point], y: places[2 * point + 1] }),
    get places() {
      return layouts[layout];
    },
    toScreen: ({ x, y }) => toScreen(view, x, y),
    toPlace: ({ x, y }) => toPlace(view, x, y),
    // The `k` bright points nearest to a place of the screen, nearest first, with their distance in pixels.
    nearest({ x, y }, k, within = Infinity) {
      indexes[layout] ??= createIndex(layouts[layout]);
      const at = toPlace(view, x, y);
      const found = indexes[layout].nearest(at.x, at.y, k, lit, within / view.scale);
      return found.map(({ point, distance }) => ({ point, distance: distance * view.scale }));
    },
    // Each point's place in the palette {dots: colours 0x00BBGGRR, dim, glow: strength from 0 to 1}.
    paint(byPoint, withPalette) {
      colours = byPoint;
      palette = withPalette;
      ask({ base: true, glow: true, over: true });
    },
    // To be called after `lit` or `chosen` were changed.
    flagged() {
      for (let point = 0; point < count; point++) shown[point] = chosen[point] ? CHOSEN : lit[point] ? LIT : DIM;
      ask({ base: true, glow: true, over: true });
    },
    arrange(name) {
      if (name === layout) return;
      changing = { from: places, to: layouts[name], began: performance.now() };
      layout = name;
      whole = fitted(boundsOf(layouts[name], everyone), frameOf());
      if (!moved) flying = { from: view, to: whole, began: performance.now() };
      ask({ base: true, glow: true, over: true });
    },
    pan: (dx, dy) => look(held({ ...view, x: view.x + dx, y: view.y + dy })),
    zoom: (factor, at, options) => look(held(zoomed(options?.soon ? onWay() : view, factor, at, limits())), options),
    fit: () => look(whole, { soon: true }),
    // Flies to where all of `points` are seen.
    show(points) {
      if (points.length)
        look(held(fitted(boundsOf(layouts[layout], points), frameOf(), whole.scale * 12)), { soon: true });
    },
    // Moves the view just so far that a point is well inside.
    reveal(point) {
      const { scale, x, y } = onWay();
      const at = toScreen({ scale, x, y }, layouts[layout][2 * point], layouts[layout][2 * point + 1]);
      const inner = frameOf();
      const by = (value, low, high) =>
        value < low + 20 ? low + 40 - value : value > high - 20 ? high - 40 - value : 0;
      const [dx, dy] = [by(at.x, inner.left, inner.right), by(at.y, inner.top, inner.bottom)];
      if (dx || dy) look(held({ scale, x: x + dx, y: y + dy }), { soon: true });
    },
    middle: () => {
      const inner = frameOf();
      return { x: (inner.left + inner.right) / 2, y: (inner.top + inner.bottom) / 2 };
    },
    repaint: () => ask({ over: true }),
    leave: () => watch.disconnect(),
  };
}

const NONE = (count) => (none.length === count ? none : (none = new Uint8Array(count)));
let none = new Uint8Array(0);

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
