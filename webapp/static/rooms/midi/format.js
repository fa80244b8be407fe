// How the song is to be written: sample rate, bits, and whether each part is a file of its own.

import { h, toggle } from "../../parts/dom.js";

const RATES = { 44100: "44.1 kHz", 48000: "48 kHz" };
const SUBTYPES = { PCM_16: "16 bit", PCM_24: "24 bit", FLOAT: "32 bit float" };

// `format` is {rate, subtype, stems}, which changes in place; changed() then.
export function createFormat(format, changed) {
  const choice = (label, name, texts, read) => {
    const options = Object.entries(texts).map(([value, text]) => h("option", { value }, text));
    const select = h(
      "select",
      { "aria-label": label, onchange: () => ((format[name] = read(select.value)), changed()) },
      ...options,
    );
    select.value = String(format[name]);
    return select;
  };
  const stems = toggle("Stems", "Each part as a WAV file of its own too, in a zip", (on) => {
    format.stems = on;
    changed();
  });
  stems.box.checked = format.stems;
  return h(
    "div",
    { class: "format" },
    choice("Sample rate", "rate", RATES, Number),
    choice("Bits", "subtype", SUBTYPES, String),
    stems.element,
  );
}
