// The sheet of shortcuts, under "?".

import { h } from "../parts/dom.js";
import { toolButton } from "../parts/controls.js";
import { labelOf, onLabels } from "../parts/keylabels.js";
import { COMPARE_KEY, OCTAVE_DOWN, OCTAVE_UP, PHRASE_KEY, STAR_KEY } from "../parts/keys.js";

const key = (text) => h("kbd", {}, text);
const at = (code) => key(labelOf(code));
const both = (one, other, joined = " ") => [one, joined, other];

/**
 * Groups of [keys, what they do], with the letters that are printed on this keyboard.
 * @returns {[string, [(HTMLElement | string)[], string][]][]}
 */
const groups = () => [
  [
    "Play",
    [
      [both(at("KeyA"), at("Quote"), " – "), "White keys; the row above has the black ones"],
      [both(at(OCTAVE_DOWN), at(OCTAVE_UP)), "Octave down, up"],
      [[key("Space")], "Sustain pedal"],
      [[at(PHRASE_KEY)], "Play a phrase, or stop it"],
      [[key("Esc")], "Stop all sound"],
    ],
  ],
  [
    "Sounds",
    [
      [[at(COMPARE_KEY)], "Hold to compare at equal loudness"],
      [[at(STAR_KEY)], "Star this sound"],
      [[key("Ctrl"), key("Z")], "Undo"],
      [[key("Ctrl"), key("Shift"), key("Z")], "Redo"],
    ],
  ],
  [
    "Sliders and lists",
    [
      [both(key("←"), key("→")), "Step; finer with Shift"],
      [[key("Delete")], "Slider back to the middle; a sound off its list"],
      [[key("Enter")], "Press the button, take the sound; with Shift into B"],
      [[key("F2")], "Rename"],
    ],
  ],
  [
    "Map",
    [
      [both(key("↑"), key("↓")), "From sound to sound, also sideways"],
      [[key("Enter")], "Into A; with Shift into B, with Ctrl selected"],
      [[key("Alt")], "Hold and draw around sounds to select them"],
    ],
  ],
];

// Builds the sheet in `host`; returns a function that opens and shuts it.
export function shortcutSheet(host, signal) {
  const body = h("div", { class: "groups" });
  const close = toolButton("Close", "close", () => sheet.close());
  const sheet = h(
    "dialog",
    {
      class: "shortcuts",
      "aria-label": "Keyboard shortcuts",
      onclick: (event) => event.target === sheet && sheet.close(),
    },
    h("header", {}, h("h2", {}, "Keyboard shortcuts"), close),
    body,
    h("p", {}, "Letters, Space and these keys belong to the instrument unless you are typing in a field."),
  );
  host.append(sheet);

  const row = ([keys, what]) => h("div", { class: "shortcut" }, h("dt", {}, ...keys), h("dd", {}, what));
  onLabels(
    () =>
      body.replaceChildren(
        ...groups().map(([title, rows]) => h("section", {}, h("h3", {}, title), h("dl", {}, ...rows.map(row)))),
      ),
    signal,
  );
  return () => (sheet.open ? sheet.close() : sheet.showModal());
}
