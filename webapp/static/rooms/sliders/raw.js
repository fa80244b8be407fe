// Every number of the latent vector z, a page at a time: what it is now, and which ones were set by hand.

import { toolButton } from "../../parts/controls.js";
import { h } from "../../parts/dom.js";
import { bendsOf } from "../../document/project.js";
import { createSlider } from "./slider.js";

const PAGE = 16; // sliders in sight at once
const CALM_MS = 250;

export function createRawPage(studio, heardAlong) {
  const { latentSize, rawLimit } = studio.model;
  const pages = Math.ceil(latentSize / PAGE);
  let page = 0;
  let z = null;
  let shown = null; // text of the sound that z is of
  let calm = null;

  const range = h("output", { class: "range" });
  const rows = Array.from({ length: Math.min(PAGE, latentSize) }, (_, at) => {
    const index = () => page * PAGE + at;
    const action = (value) => ({ type: "raw", values: { [index()]: value } });
    const control = createSlider("", {
      ...heardAlong(rawLimit, action),
      onstep: (value) => studio.dispatch(action(value)),
      onreset: () => studio.dispatch(action(null)),
    });
    return { ...control, index };
  });
  const element = h(
    "div",
    { class: "rows raw", hidden: true },
    h(
      "div",
      { class: "pages" },
      toolButton("Previous page", "previous", () => turn(-1)),
      range,
      toolButton("Next page", "next", () => turn(1)),
    ),
    ...rows.map((row) => row.element),
  );

  function turn(by) {
    page = (page + by + pages) % pages;
    draw();
  }

  function refresh() {
    clearTimeout(calm);
    if (element.hidden) return;
    draw();
    if (studio.soundText !== shown) calm = setTimeout(read, CALM_MS, studio.soundText);
  }

  async function read(text) {
    try {
      const answer = await studio.askModel("timbre", { sound: text });
      z = unpack((await answer.json()).z);
      shown = text;
      draw();
    } catch {
      // The numbers stay as they were; the sound's own request tells what is wrong.
    }
  }

  function draw() {
    const { raw: own } = bendsOf(studio.project);
    range.textContent = `${page * PAGE + 1}–${Math.min(latentSize, (page + 1) * PAGE)} of ${latentSize}`;
    for (const row of rows) {
      const index = row.index();
      row.element.hidden = index >= latentSize;
      const value = own[index] ?? z?.[index] ?? 0;
      row.name(`z ${index + 1}`);
      row.show(value, value.toFixed(2), own[index] !== undefined);
    }
  }
  return { element, refresh };
}

// Float32 values from URL-safe base64.
function unpack(text) {
  const bytes = Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (letter) => letter.charCodeAt(0));
  return new Float32Array(bytes.buffer);
}
