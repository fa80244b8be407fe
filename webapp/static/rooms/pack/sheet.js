// The options of a pack as fields; the browser keeps them.

import {
  CHOICES,
  devicesOf,
  FORMATS,
  isInstrument,
  ratesOf,
  recallOptions,
  TEXTS,
  withChange,
} from "../../document/packoptions.js";
import { h, toggle } from "../../parts/dom.js";
import { readStorage, writeStorage } from "../../parts/storage.js";

// `onChange()` is called after each change. Returns {element, options(), draw()}.
export function createSheet(model, onChange) {
  const storageKey = `gansynth-studio:pack:${model.id}`;
  let options = recallOptions(readStorage(storageKey), model);
  const controls = []; // {draw}

  function change(next) {
    options = withChange(options, next, model);
    writeStorage(storageKey, JSON.stringify(options));
    onChange();
  }

  function select(name, title, choices, numeric = false) {
    const id = `pack-${name}`;
    const box = h(
      "select",
      { id, onchange: () => change({ [name]: numeric ? Number(box.value) : box.value }) },
      ...choices.map(([value, text]) => h("option", { value: String(value) }, text)),
    );
    controls.push({ draw: () => (box.value = String(options[name])) });
    return { box, element: h("div", { class: "field" }, h("label", { for: id }, title), box) };
  }

  function tick(name, title, hint) {
    const { box, element } = toggle(title, hint, (on) => change({ [name]: on }));
    controls.push({ draw: () => (box.checked = options[name]) });
    return { box, element };
  }

  function formatTick([name, title]) {
    const { box, element } = toggle(title, `Also write ${title}`, () => {
      const wanted = (one) => (one === name ? box.checked : options.formats.includes(one));
      change({ formats: FORMATS.map(([one]) => one).filter(wanted) });
    });
    controls.push({ draw: () => (box.checked = options.formats.includes(name)) });
    return { box, element };
  }

  function text(name, title, placeholder) {
    const id = `pack-${name}`;
    const box = h("input", {
      type: "text",
      id,
      placeholder,
      maxlength: String(TEXTS[name]),
      autocomplete: "off",
      oninput: () => change({ [name]: box.value }),
    });
    controls.push({ draw: () => document.activeElement === box || (box.value = options[name]) });
    return { box, element: h("div", { class: "field" }, h("label", { for: id }, title), box) };
  }

  const keyChoices = model.keys.map((key, index) => [model.low + index, `${key} (${model.low + index})`]);
  const keys = select("keys", "Notes", CHOICES.keys);
  const key = select("key", "Key", keyChoices, true);
  const every = select("every", "Sampled", CHOICES.every, true);
  const low = select("low", "From", keyChoices, true);
  const high = select("high", "To", keyChoices, true);
  const layers = select("layers", "Velocity layers", CHOICES.layers, true);
  const takes = select("takes", "Round robins", CHOICES.takes, true);
  const device = select("device", "Made for", devicesOf(model));
  const subtype = select("subtype", "Samples", CHOICES.subtype);
  const rate = select("rate", "Rate", ratesOf(model), true);
  const measure = select("measure", "Level", CHOICES.measure);
  const lufs = select("lufs", "Loudness", CHOICES.lufs, true);
  const level = select("level", "Level is", CHOICES.level);
  const naming = select("naming", "File names", CHOICES.naming);
  const rejects = select("rejects", "Faulty notes are", CHOICES.rejects);
  const loops = tick("loops", "Sustain loops", "Notes that hold sound for as long as the key is down");
  const stereo = tick("stereo", "Stereo", "A side signal that vanishes in mono");
  const wavetable = tick(
    "wavetable",
    "Wavetable A → B",
    "The morph from A to B in 256 cycles, for Serum, Vital and others",
  );
  const formats = FORMATS.map(formatTick);
  const name = text("name", "Name", "GANSynth pack");
  const author = text("author", "Author", "nobody named");
  const copyright = text("copyright", "Copyright", "CC0, royalty-free");
  const comment = text("comment", "Comment", "none");
  const group = (kind, ...parts) => h("div", { class: kind }, ...parts.map((part) => part.element ?? part));
  const fold = (title, ...parts) => h("details", {}, h("summary", {}, title), ...parts);
  const ticks = group("ticks", ...formats);
  ticks.setAttribute("role", "group");
  ticks.setAttribute("aria-label", "Written for");
  const element = group(
    "options",
    group("fields", name, keys),
    group("fields three", key, low, high, every),
    fold("Instruments", ticks, group("fields", layers, takes), group("ticks", loops, stereo, wavetable)),
    fold("Files and levels", group("fields", device, subtype, rate, naming, measure, lufs, level, rejects)),
    fold("Author and rights", group("fields", author, copyright), comment.element),
  );

  return {
    element,
    options: () => options,
    draw() {
      for (const control of controls) control.draw();
      const instrument = isInstrument(options);
      key.element.hidden = options.keys !== "one";
      lufs.element.hidden = options.measure !== "loudness";
      for (const field of [low, high, every]) field.element.hidden = options.keys !== "range";
      for (const { box } of [...formats, loops]) box.disabled = !instrument;
      for (const { box } of [subtype, rate]) box.disabled = Boolean(options.device);
    },
  };
}
