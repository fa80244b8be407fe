// The song's parts, a line each: what plays it, which can be heard and changed.

import { h } from "../../parts/dom.js";
import { receives } from "../../parts/dragdrop.js";
import { titleOfPart } from "./head.js";
import { contentHere, contentOf } from "./path.js";

// A choice is {kind: "written"}, {kind: "path"}, {kind: "off"}, or {kind: "sound", sound, name}.
export const KINDS = ["written", "path", "off"];

// choices() is a choice a part, choose(number, choice) sets one; hueOfPart(number) is null for a part that is left out.
// Returns {element, show(parts), draw()}.
export function createParts(studio, { choices, choose, hueOfPart }) {
  const element = h("ul", { class: "parts", "aria-label": "Parts of the song" });
  let rows = []; // {part, row, select}

  const titles = (part) => ({ written: part.written || "As written", path: "Path of sounds", off: "Left out" });
  const contentOfChoice = (part, choice) =>
    choice.kind === "sound" ? choice : choice.kind === "written" && part.sound ? { sound: part.sound } : null;

  function listen(number) {
    const content = contentOfChoice(rows[number].part, choices()[number]);
    if (content) studio.listen(content.sound);
  }

  // What may be chosen: filled in when somebody is about to, as a model has more than a hundred instruments.
  function fill(select, part) {
    const sounds = contents();
    const option = (value, text) => h("option", { value }, text);
    const choice = choices()[rows.findIndex((row) => row.select === select)];
    select.replaceChildren(
      ...KINDS.map((kind) => option(kind, titles(part)[kind])),
      ...(choice.kind === "sound" ? [option("own", choice.name)] : []),
      h("optgroup", { label: "Your sounds" }, ...sounds.map(({ label }, index) => option(`sound:${index}`, label))),
      ...studio.model.families.map(({ title, instruments }) =>
        h("optgroup", { label: title }, ...instruments.map(({ name, title }) => option(`instrument:${name}`, title))),
      ),
    );
    select.value = valueOf(choice);
  }

  function contents() {
    const { slots } = studio.project;
    const named = (label, content) => ({ ...content, label: `${label}: ${content.name}` });
    return [
      named("Now", contentHere(studio)),
      ...["a", "b"].map((slot) => named(slot.toUpperCase(), contentOf(studio, slots[slot]))),
      ...studio.library.favourites.map((item) => ({ ...contentOf(studio, item), label: contentOf(studio, item).name })),
    ];
  }

  const valueOf = ({ kind }) => (kind === "sound" ? "own" : kind);

  function choiceOf(value, number) {
    if (KINDS.includes(value)) return { kind: value };
    const [what, which] = value.split(":");
    if (what === "own") return choices()[number];
    if (what === "instrument") {
      const sound = { instruments: { [which]: 1 }, seed: 0 };
      return { kind: "sound", ...contentOf(studio, { sound, name: null }) };
    }
    const { sound, name } = contents()[Number(which)];
    return { kind: "sound", sound, name };
  }

  function lineOf(part, number) {
    const title = titleOfPart(part);
    const select = h("select", {
      "aria-label": `What plays ${title}`,
      onfocus: () => fill(select, part),
      onchange: () => (choose(number, choiceOf(select.value, number)), listen(number)),
    });
    const notes = `${part.notes.toLocaleString("en")} ${part.notes === 1 ? "note" : "notes"}`;
    const dot = h("button", { class: "dot", "aria-label": `Listen to ${title}`, onclick: () => listen(number) });
    const row = h(
      "li",
      {},
      dot,
      h("span", { class: "name", title }, title),
      h("span", { class: "facts" }, `channel ${part.channel} · ${notes}`),
      select,
    );
    receives(row, studio.model, (content) => choose(number, { kind: "sound", ...contentOf(studio, content) }));
    return { part, row, select, dot };
  }

  return {
    element,
    show(parts) {
      rows = parts.map(lineOf);
      element.replaceChildren(...rows.map(({ row }) => row));
    },
    draw() {
      rows.forEach(({ part, row, select, dot }, number) => {
        const choice = choices()[number];
        const hue = hueOfPart(number);
        row.classList.toggle("off", hue === null);
        row.style.setProperty("--hue", String(hue ?? 0));
        dot.disabled = !contentOfChoice(part, choice);
        const text = choice.kind === "sound" ? choice.name : titles(part)[choice.kind];
        if (document.activeElement === select) return fill(select, part);
        select.replaceChildren(h("option", { value: valueOf(choice) }, text));
      });
    },
  };
}
