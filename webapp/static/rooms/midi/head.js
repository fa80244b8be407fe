// What is said of a song: its name, its length, how its parts are played, and what differs from the file.

import { h } from "../../parts/dom.js";
import { timeText } from "../../document/songpath.js";

const WAYS = [
  { kind: "written", words: "As written", title: "Each part is played by its General MIDI instrument" },
  { kind: "path", words: "Along a path", title: "All parts go along one path of sounds" },
];

/**
 * What a part is called: as the file calls it, else by its instrument.
 * @param {{name: string, instrument: string}} part
 */
export const titleOfPart = ({ name, instrument }) => name || instrument;

// otherFile() asks for another file; all(kind) lets all parts be played that way. Returns {element, notices, draw}.
export function createHead({ otherFile, all }) {
  const title = h("strong", { class: "title" });
  const facts = h("span", { class: "facts" });
  const ways = WAYS.map(({ kind, words, title }) => ({
    kind,
    button: h("button", { class: "button", title, onclick: () => all(kind) }, words),
  }));
  const group = { class: "ways", role: "group", "aria-label": "What plays the parts" };
  const notices = h("ul", { class: "notices", "aria-label": "Differences from the file" });

  return {
    element: h(
      "div",
      { class: "head" },
      title,
      facts,
      h("div", group, ...ways.map(({ button }) => button)),
      h("button", { class: "button", onclick: otherFile }, "Other file"),
    ),
    notices,
    // `differences`: sentences; null for those that are expected.
    draw({ name, about }, choices, differences) {
      const heard = about.parts.filter((part, number) => choices[number].kind !== "off");
      const notes = heard.reduce((sum, part) => sum + part.notes, 0);
      const told = [several(notes, "note"), several(about.parts.length, "part"), `${about.low}–${about.high}`];
      title.textContent = name;
      title.title = name;
      facts.textContent = [timeText(about.seconds), ...told].join(" · ");
      for (const { kind, button } of ways) {
        const is = choices.every((choice, number) => choice.kind === kind || about.parts[number].drums);
        button.setAttribute("aria-pressed", String(is));
      }
      const sentences = differences ?? [...about.notices, ...heard.flatMap(noticesOf)];
      notices.replaceChildren(...sentences.map((sentence) => h("li", {}, sentence)));
      notices.hidden = !sentences.length;
    },
  };
}

const several = (number, noun) => `${number.toLocaleString("en")} ${noun}${number === 1 ? "" : "s"}`;
const noticesOf = (part) => part.notices.map((sentence) => `${titleOfPart(part)}: ${sentence}`);
