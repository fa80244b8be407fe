// Variations: eight sounds around one, heard under the pointer, taken by a click. Two that are picked can be bred.

import { runner } from "../parts/runner.js";
import { h, toast } from "../parts/dom.js";
import { toolButton } from "../parts/controls.js";
import { icon } from "../parts/icons.js";
import { titleOf } from "../document/sound.js";
import { letterOf } from "./slots.js";
import { handSlot } from "../document/project.js";
import { bred, variationsHere } from "./variations/generation.js";
import { onShown } from "../parts/tabs.js";
import { createGrid } from "./variations/grid.js";

const FINGERS = matchMedia("(hover: none)");

export default function build(host, studio, { signal }) {
  const { model } = studio;
  /** @type {import("./variations/generation.js").Generation[]} */
  const generations = []; // the newest last
  let picked = new Set(); // places of the tiles to breed, the first picked first

  const amount = h("input", {
    type: "range",
    id: "breed-amount",
    min: "0.08",
    max: "0.6",
    step: "0.02",
    value: "0.3",
    "aria-label": "How different the variations are",
  });
  const renewal = h(
    "button",
    { class: "button strong", title: "Eight variations of the sound that plays now", onclick: () => renew() },
    "New variations",
  );
  const breed = h(
    "button",
    { class: "button", title: "Eight sounds between the two you picked", onclick: cross },
    icon("between"),
    "Breed",
  );
  const back = toolButton("Previous variations", "previous", goBack, { class: "tool framed" });
  const grid = createGrid(studio, { take, picked: pick });
  const about = h("p", { class: "about" });
  const tools = h(
    "div",
    { class: "breed-tools" },
    back,
    renewal,
    breed,
    h("span", { class: "gap" }),
    h("label", { for: "breed-amount" }, "near"),
    runner(amount, { tap: true }),
    h("span", { class: "far" }, "far"),
  );
  host.append(grid.element, about, tools);

  const latest = () => generations.at(-1);
  const renew = () => show(variationsHere(studio, Number(amount.value)));

  function cross() {
    const [mother, father] = [...picked].map((index) => latest().tiles[index]);
    show(bred(studio, mother, father, Number(amount.value)));
  }

  async function show(making) {
    try {
      generations.push(await making);
      fill();
    } catch (error) {
      toast(error.message);
    }
  }

  function goBack() {
    generations.pop();
    fill();
  }

  // All tiles are fetched in one request, so that each of them sounds at once under the pointer.
  function fill() {
    picked = new Set();
    const generation = latest();
    grid.fill(generation);
    grid.element.setAttribute("aria-busy", "true");
    studio
      .prepare(generation.tiles.map(({ sound }) => sound))
      .catch(() => {}) // each is asked for again when it is pointed at
      .finally(() => generation === latest() && grid.element.setAttribute("aria-busy", "false"));
    draw();
  }

  function take({ sound, name }, slot = handSlot(studio.project)) {
    studio.dispatch({ type: "put", slot, sound, name: name === titleOf(sound, model) ? null : name, stay: false });
  }

  // The third that is picked takes the place of the first.
  function pick(index) {
    if (!picked.delete(index)) picked.add(index);
    if (picked.size > 2) picked.delete([...picked][0]);
    draw();
  }

  function draw() {
    if (!latest()) return;
    const here = grid.mark(picked);
    back.disabled = generations.length < 2;
    breed.disabled = picked.size < 2;
    about.textContent = sentence(here);
  }

  // What one can do now; `here` is whether one of the tiles plays.
  function sentence(here) {
    const { tiles, parents } = latest();
    const [one, other] = [...picked].map((index) => tiles[index].name);
    if (other) return `Breed ${one} with ${other}, or pick others.`;
    if (one) return `Pick a second one to breed with ${one}.`;
    const slot = letterOf(handSlot(studio.project));
    if (here && FINGERS.matches) return `Tap to hear, tap again to put it into ${slot}. Pick two to breed.`;
    if (here) return `Hover to hear, click to put one into ${slot}. Pick two to breed.`;
    const names = parents.map((index) => tiles[index].name).join(" and ");
    return `${parents.length > 1 ? "Between" : "Around"} ${names}. A different sound is playing now.`;
  }

  // A room in the background costs nothing: the first eight are made once somebody looks.
  onShown("variations", () => latest() || renew(), signal);
  studio.enter("variations", { project: draw, library: draw });
  if (host.clientWidth) renew();
}
