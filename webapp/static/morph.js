// The line between two sounds: a tile for each end and a handle between them that is heard while it is dragged.

import { h, hostOf, icon } from "./dom.js";
import { hueOf, instrumentOf, leadingInstrument, titleOf } from "./sound.js";
import { soundAt, target } from "./store.js";
import { openStudio } from "./studio.js";

const KEYFRAMES = 9; // sounds fetched when a drag begins; between them one hears a mixture until the exact one is there

export default async function mount({ element }) {
  const host = hostOf(element);
  const studio = await openStudio();
  const { model } = studio;
  let frames = null;

  const tiles = { a: tile("a"), b: tile("b") };
  const handle = h("input", {
    type: "range", min: "0", max: "1", step: "0.001", "aria-label": "Morph from A to B", oninput: move, onpointerdown: begin,
    onkeydown: fine, onchange: () => studio.drop(),
  });
  const reading = h("output", { class: "reading" });
  const swap = h(
    "button", { class: "tool", "aria-label": "Swap A and B", title: "Swap A and B", onclick: () => studio.dispatch({ type: "swap" }) },
    icon("M7 7h13M16 3l4 4-4 4M17 17H4M8 13l-4 4 4 4"),
  );
  host.append(tiles.a.element, h("div", { class: "line" }, handle, reading), tiles.b.element, swap);

  function tile(slot) {
    const name = h("strong", {});
    const family = h("span", { class: "family" });
    const button = h(
      "button", { class: "tile", onclick: () => studio.dispatch({ type: "handle", mode: "line", t: slot === "a" ? 0 : 1 }) },
      h("span", { class: "letter" }, slot.toUpperCase()), h("span", { class: "words" }, name, family),
    );
    return { element: button, name, family };
  }

  // From one keyframe to the next the ear hears both, at equal power, until the exact sound has come.
  function begin() {
    const steps = Array.from({ length: KEYFRAMES }, (_, index) => index / (KEYFRAMES - 1));
    frames = steps.map((t) => ({ t, sound: soundAt(studio.project, { mode: "line", t }) }));
    studio.prepare(frames.map(({ sound }) => sound)).catch(() => {
      // The drag is heard all the same, a little later.
    });
  }

  function near(t) {
    if (!frames) return null;
    const at = Math.min(KEYFRAMES - 2, Math.floor(t * (KEYFRAMES - 1)));
    const share = t * (KEYFRAMES - 1) - at;
    return [
      { sound: frames[at].sound, share: Math.cos((share * Math.PI) / 2) },
      { sound: frames[at + 1].sound, share: Math.sin((share * Math.PI) / 2) },
    ];
  }

  function move() {
    const t = Number(handle.value);
    studio.drag({ type: "handle", mode: "line", t }, { near: near(t) });
  }

  function fine(event) {
    const by = { ArrowLeft: -1, ArrowRight: 1, ArrowDown: -1, ArrowUp: 1 }[event.key];
    if (!by) return;
    event.preventDefault();
    const step = event.shiftKey ? 0.005 : 0.05;
    studio.dispatch({ type: "handle", mode: "line", t: Math.round((studio.project.morph.t + by * step) * 1000) / 1000 });
  }

  function draw() {
    const { project } = studio;
    const at = target(project);
    for (const [slot, { element: button, name, family }] of Object.entries(tiles)) {
      const { sound, name: given } = project.slots[slot];
      const instrument = instrumentOf(leadingInstrument(sound), model);
      name.textContent = given ?? titleOf(sound, model);
      family.textContent = instrument?.family.title ?? "";
      button.style.setProperty("--hue", hueOf(sound, model));
      button.setAttribute("aria-pressed", String(at === slot));
      button.setAttribute("aria-label", `${slot.toUpperCase()}: ${name.textContent}`);
    }
    handle.value = String(project.morph.t);
    host.style.setProperty("--hue-a", hueOf(project.slots.a.sound, model));
    host.style.setProperty("--hue-b", hueOf(project.slots.b.sound, model));
    host.style.setProperty("--at", project.morph.t);
    reading.textContent = `${Math.round(project.morph.t * 100)} %`;
    handle.setAttribute("aria-valuetext", `${reading.textContent} of B`);
    if (frames && JSON.stringify(frames[0].sound) !== JSON.stringify(soundAt(project, { mode: "line", t: 0 }))) frames = null;
  }

  studio.enter("morph", { project: draw });
  draw();
}
