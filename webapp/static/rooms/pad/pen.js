// The pen: while it is on, the next movement of the puck is recorded and becomes the path.

import { pathOf } from "../../document/path.js";
import { h } from "../../parts/dom.js";
import { icon } from "../../parts/icons.js";

export function createPen(studio, { host, surface, bar }) {
  let on = false;
  let recorded = []; // [milliseconds, x, y]
  const element = h(
    "button",
    {
      class: "button pen",
      "aria-pressed": "false",
      title: "Your next movement of the puck becomes one note",
      onclick: () => set(!on),
    },
    icon("pen"),
    "Draw a path",
  );

  function set(next) {
    on = next;
    recorded = [];
    element.setAttribute("aria-pressed", String(on));
    host.classList.toggle("drawing", on);
    if (on) surface.focus();
    draw();
  }

  function record(time, place) {
    if (!on) return;
    recorded.push([time, ...place]);
    draw();
  }

  // What was recorded becomes the path, in the same step as the movement itself, and is heard.
  function finish() {
    const path = pathOf(recorded);
    if (!on || !path) return;
    const took = (recorded.at(-1)[0] - recorded[0][0]) / 1000;
    set(false);
    studio.drag({ type: "path", path, seconds: Math.min(took, studio.model.shared.held_share * studio.model.seconds) });
    if (studio.project.audition) bar.playPath();
  }

  function draw() {
    surface.drawPath(on ? recorded : studio.project.path);
  }

  return {
    element,
    set,
    record,
    finish,
    draw,
    begin: () => (recorded = []),
    isOn: () => on,
    hasBegun: () => recorded.length > 0,
  };
}
