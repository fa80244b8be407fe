// Every number of the latent vector z, a page at a time: what it is now, and which ones were set by hand. Those that change
// this sound most come first, or they stand in their own order; any can be gone to.

import { numberField, toolButton } from "../../parts/controls.js";
import { h, toggle } from "../../parts/dom.js";
import { bendsOf } from "../../document/project.js";
import { soundText } from "../../document/sound.js";
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
  let isSorted = true;
  let order = Array.from({ length: latentSize }, (_, index) => index); // of z's places
  let orderOf = null; // text of the sound, without its bends, and the pitch that the order is of

  const range = h("output", { class: "range" });
  const rows = Array.from({ length: Math.min(PAGE, latentSize) }, (_, at) => {
    const index = () => (isSorted ? order[page * PAGE + at] : page * PAGE + at) ?? latentSize;
    const action = (value) => ({ type: "raw", values: { [index()]: value } });
    const control = createSlider("", {
      ...heardAlong(rawLimit, action),
      onstep: (value) => studio.dispatch(action(value)),
      onreset: () => studio.dispatch(action(null)),
    });
    return { ...control, index };
  });
  const goTo = numberField({
    min: "1",
    max: String(latentSize),
    step: "1",
    "aria-label": "Go to number",
    set: (value) => Number.isInteger(value) && value >= 1 && value <= latentSize && goToNumber(value - 1),
    read: () => "",
  });
  const sorted = toggle("Strongest first", "Numbers that change this sound most come first", (on) => {
    isSorted = on;
    page = 0;
    draw();
  });
  sorted.box.checked = isSorted;
  const element = h(
    "div",
    { class: "rows raw", hidden: true },
    h(
      "div",
      { class: "pages" },
      toolButton("Previous page", "previous", () => turn(-1)),
      range,
      toolButton("Next page", "next", () => turn(1)),
      h("label", {}, "Go to z", goTo.field),
      sorted.element,
    ),
    ...rows.map((row) => row.element),
  );

  function turn(by) {
    page = (page + by + pages) % pages;
    draw();
  }

  function goToNumber(index) {
    page = Math.floor((isSorted ? order.indexOf(index) : index) / PAGE);
    draw();
    const row = rows.find((one) => one.index() === index);
    row.element.scrollIntoView({ block: "nearest" });
    row.element.querySelector("input").focus();
  }

  function refresh() {
    clearTimeout(calm);
    if (element.hidden) return;
    draw();
    const plain = { ...studio.sound, sliders: {}, raw: {} }; // a move leaves the order as it is, under the hand
    const place = JSON.stringify([soundText(plain), studio.project.note]);
    if (studio.soundText === shown && place === orderOf) return;
    calm = setTimeout(() => {
      if (studio.soundText !== shown) read(studio.soundText);
      if (place !== orderOf) sort(plain, place);
    }, CALM_MS);
  }

  async function sort(plain, place) {
    orderOf = place;
    try {
      const answer = await studio.askBody("numbers", { sound: plain, pitch: studio.project.note });
      if (orderOf !== place) return;
      ({ order } = await answer.json());
      draw();
    } catch {
      orderOf = null;
    }
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
