// The map by the keyboard: a cursor that goes from sound to sound.

import { neighbour } from "./scatter.js";

const STEPS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const ZOOMS = { "+": 1.3, "=": 1.3, "-": 1 / 1.3 };

// `on` has visit(point), put(point, slot), select(point), escape(). hovered() is the point under the pointer or null.
export function createWalk({ studio, atlas, sky, hovered, on }) {
  let cursor = null;

  // From the cursor or the pointer, else from the sound that plays, else from the middle.
  function next(key) {
    const from = cursor ?? hovered() ?? atlas.pointOf(studio.sound);
    if (from === undefined) return sky.nearest(sky.middle(), 1)[0]?.point ?? null;
    return neighbour(sky.places, from, ...STEPS[key], sky.lit);
  }

  function go(point) {
    if (point === null) return;
    cursor = point;
    sky.reveal(point);
    on.visit(point);
  }

  function press(event) {
    const { key } = event;
    if (key === "Escape") return on.escape();
    if (key in STEPS) go(next(key));
    else if (key === "Enter" && cursor !== null) {
      if (event.ctrlKey || event.metaKey) on.select(cursor);
      else on.put(cursor, event.shiftKey ? "b" : "a");
    } else if (key in ZOOMS) {
      const at = cursor === null ? sky.middle() : sky.toScreen(sky.place(cursor));
      sky.zoom(ZOOMS[key], at, { soon: true });
    } else if (key === "0") sky.fit();
    else return;
    event.preventDefault();
  }

  return {
    press,
    leave() {
      cursor = null;
      sky.repaint();
    },
    cursor: () => cursor,
  };
}
