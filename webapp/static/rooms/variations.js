// Variations: eight sounds around one, heard under the pointer, taken by a click; two that are picked have children.

import { h, toast } from "../parts/dom.js";
import { icon } from "../parts/icons.js";
import { hueOf, soundText, titleOf } from "../document/sound.js";
import { letterOf, settled } from "./slots.js";
import { nameOnBench, toggleFavourite } from "../parts/keeping.js";
import { handSlot } from "../document/project.js";
import { thumb } from "../parts/thumbs.js";
import { childrenOf, COUNT, variationName, variationsOf } from "../document/variations.js";

const MIDDLE = COUNT / 2; // place of the parent among its children, row by row

export default function build(host, studio, { signal }) {
  const { model } = studio;
  const generations = []; // {tiles: [{sound, name}], parents: their places among the tiles}
  let picked = new Set();

  const amount = h("input", {
    type: "range",
    id: "breed-amount",
    min: "0.08",
    max: "0.6",
    step: "0.02",
    value: "0.3",
    "aria-label": "How far the variations lie",
  });
  const around = h("button", { class: "button strong", onclick: () => renew() }, "Eight around this sound");
  const breed = h(
    "button",
    { class: "button", title: "Eight sounds between the two that carry a heart", onclick: cross },
    icon("heart"),
    "Breed",
  );
  const back = h(
    "button",
    { class: "tool framed", "aria-label": "The eight before", title: "The eight before", onclick: goBack },
    icon("previous"),
  );
  const grid = h("div", {
    class: "litter",
    role: "group",
    "aria-label": "Variations",
    onkeydown: walk,
    onpointerleave: () => studio.hush(),
  });
  const about = h("p", { class: "about" });
  host.append(
    grid,
    about,
    h(
      "div",
      { class: "breed-tools" },
      back,
      around,
      breed,
      h("span", { class: "gap" }),
      h("label", { for: "breed-amount" }, "near"),
      amount,
      h("span", { class: "far" }, "far"),
    ),
  );

  const latest = () => generations.at(-1);
  const benchName = () => nameOnBench(studio) ?? titleOf(studio.sound, model);

  async function renew() {
    const name = benchName();
    try {
      const parent = await settled(studio, studio.sound);
      const children = variationsOf(parent, Number(amount.value), model).map((sound, index) => ({
        sound,
        name: variationName(name, index + 1),
      }));
      // The parent as it is on the bench: a click on it leads back to just that.
      show({ tiles: children.toSpliced(MIDDLE, 0, { sound: studio.sound, name }), parents: [MIDDLE] });
    } catch (error) {
      toast(error.message);
    }
  }

  async function cross() {
    const [mother, father] = [...picked].map((index) => latest().tiles[index]);
    try {
      const ends = await Promise.all([settled(studio, mother.sound), settled(studio, father.sound)]);
      const name = `${mother.name} × ${father.name}`;
      const children = childrenOf(...ends, Number(amount.value), model).map((sound, index) => ({
        sound,
        name: variationName(name, index + 1),
      }));
      show({ tiles: [mother, ...children, father], parents: [0, COUNT + 1] });
    } catch (error) {
      toast(error.message);
    }
  }

  function show(generation) {
    generations.push(generation);
    build();
  }

  function goBack() {
    generations.pop();
    build();
  }

  // All that one may point at sounds at once when it has been fetched in one go.
  function build() {
    picked = new Set();
    const { tiles } = latest();
    grid.replaceChildren(...tiles.map(tile));
    grid.classList.toggle("ten", tiles.length > COUNT + 1);
    grid.setAttribute("aria-busy", "true");
    const generation = latest();
    studio
      .prepare(tiles.map(({ sound }) => sound))
      .catch(() => {}) // each is asked for again when one points at it
      .finally(() => generation === latest() && grid.setAttribute("aria-busy", "false"));
    draw();
  }

  function tile({ sound, name }, index) {
    const isParent = latest().parents.includes(index);
    const pick = h(
      "button",
      {
        class: "pick",
        tabindex: index === latest().parents[0] ? "0" : "-1",
        "aria-label": isParent ? `${name}, where they come from` : name,
        title: "Click: take it. Shift-click: into B",
        onclick: (event) => adopt(index, event.shiftKey ? "b" : undefined),
        onpointerenter: (event) => event.pointerType !== "touch" && studio.project.audition && studio.listen(sound),
      },
      thumb(studio, sound, studio.project.note, "large"),
      h("span", { class: "words" }, isParent ? name : (name.match(/~\d+$/)?.[0] ?? name)),
    );
    const heart = h(
      "button",
      {
        class: "act heart",
        "aria-label": `Breed ${name}`,
        title: "Pick two to breed",
        "aria-pressed": "false",
        onclick: () => choose(index),
      },
      icon("heart"),
    );
    const star = h(
      "button",
      {
        class: "act star",
        "aria-label": `Keep ${name} as favourite`,
        title: "Keep as favourite",
        "aria-pressed": "false",
        onclick: () => (toggleFavourite(studio, sound, name, studio.project.note), draw()),
      },
      icon("star"),
    );
    const cell = h("div", { class: isParent ? "cell parent" : "cell" }, pick, heart, star);
    cell.style.setProperty("--hue", hueOf(sound, model));
    return cell;
  }

  function adopt(index, slot = handSlot(studio.project)) {
    const { sound, name } = latest().tiles[index];
    studio.dispatch({ type: "put", slot, sound, name: name === titleOf(sound, model) ? null : name });
  }

  // The third that is picked takes the place of the first.
  function choose(index) {
    if (!picked.delete(index)) picked.add(index);
    if (picked.size > 2) picked.delete([...picked][0]);
    draw();
  }

  function walk(event) {
    const cells = [...grid.children];
    const at = cells.findIndex((cell) => cell.contains(document.activeElement));
    const columns = getComputedStyle(grid).gridTemplateColumns.split(" ").length;
    const by = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns }[event.key];
    if (at < 0 || !by || !cells[at + by]) return;
    event.preventDefault();
    for (const cell of cells) cell.firstChild.tabIndex = cell === cells[at + by] ? 0 : -1;
    cells[at + by].firstChild.focus();
    studio.listen(latest().tiles[at + by].sound);
  }

  function draw() {
    if (!latest()) return;
    const now = studio.soundText;
    const { tiles } = latest();
    const favourites = new Set(studio.project.favourites.map(({ sound }) => soundText(sound)));
    let known = false;
    [...grid.children].forEach((cell, index) => {
      const text = soundText(tiles[index].sound);
      const [pick, heart, star] = cell.children;
      pick.setAttribute("aria-current", String(text === now));
      heart.setAttribute("aria-pressed", String(picked.has(index)));
      star.setAttribute("aria-pressed", String(favourites.has(text)));
      known ||= text === now;
    });
    back.disabled = generations.length < 2;
    breed.disabled = picked.size < 2;
    const slot = letterOf(handSlot(studio.project));
    const names = [...picked].map((index) => tiles[index].name);
    about.textContent =
      names.length === 2
        ? `Breed ${names[0]} with ${names[1]}, or pick others.`
        : names.length
          ? `${names[0]} and … : give another one a heart.`
          : known
            ? `Point to hear, click to take it into ${slot}; two hearts breed.`
            : `${latest().parents.length > 1 ? "Between" : "Around"} ${latest()
                .parents.map((index) => tiles[index].name)
                .join(" and ")}. What plays now is another sound.`;
  }

  // A room in the background costs nothing: the first eight are made when one looks at them.
  function shown({ detail }) {
    if (detail === "variations" && !latest()) renew();
  }

  window.addEventListener("studio:shown", shown, { signal });
  studio.enter("variations", { project: draw });
  if (host.clientWidth) renew();
}
