// The pack basket: sounds to take home as a sample pack, what it shall be like, and the export.

import { h, toast, toggle } from "../parts/dom.js";
import { icon } from "../parts/icons.js";
import { readStorage, writeStorage } from "../parts/storage.js";
import { cancelJob, followJob, jobFile, progressText } from "../server/jobs.js";
import { itemOf, itemWith } from "../document/memory.js";
import { createLatest } from "../server/net.js";
import {
  CHOICES,
  estimateText,
  FORMATS,
  isInstrument,
  notesText,
  planOf,
  ratesOf,
  recallOptions,
  sizeText,
  withChange,
} from "../document/packoptions.js";
import { currentContent } from "./slots.js";
import { nameOnBench, soundList } from "../parts/soundlist.js";
import { soundText, titleOf } from "../document/sound.js";

// What stays while Gradio mounts the room anew: the export under way, and the last one that was done.
let job = null;
let progress = null;
let done = null; // {href, about}
let onJob = () => {};

export default function build(host, studio) {
  const { model } = studio;
  const storageKey = `gansynth-studio:pack:${model.id}`;
  let options = recallOptions(readStorage(storageKey), model);

  // --- the sounds ---

  const list = soundList(studio, {
    label: "Pack basket",
    editable: true,
    movable: true,
    from: "basket",
    remove: (item) => studio.dispatch({ type: "forget", list: "basket", id: item.id }),
  });
  const add = h("button", { class: "button", onclick: addCurrent }, icon("plus"), "Add current sound");
  const clear = h("button", { class: "button", title: "Take every sound out of the basket", onclick: empty }, "Empty");
  const blank = h(
    "div",
    { class: "blank" },
    icon("basket"),
    h("strong", {}, "An empty basket"),
    h("p", {}, "Collect sounds here and take them home as instruments that open in your sampler."),
  );

  async function addCurrent() {
    try {
      const { sound, name } = await currentContent(studio);
      const known = itemWith(studio.project.basket, soundText(sound));
      if (known) return toast(`${known.name} is in the pack basket already.`);
      const item = itemOf(sound, name ?? nameOnBench(studio) ?? titleOf(studio.sound, model), studio.project.note);
      studio.dispatch({ type: "keep", list: "basket", item });
    } catch (error) {
      toast(error.message);
    }
  }

  function empty() {
    const { basket } = studio.project;
    studio.load({ ...studio.project, basket: [] });
    toast(
      `${basket.length === 1 ? "1 sound is" : `${basket.length} sounds are`} out of the basket. Undo brings them back.`,
    );
  }

  // --- the options ---

  const controls = []; // {draw}
  const change = (next) => {
    options = withChange(options, next, model);
    writeStorage(storageKey, JSON.stringify(options));
    draw();
  };

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

  const keyChoices = model.keys.map((key, index) => [model.low + index, `${key} (${model.low + index})`]);
  const keys = select("keys", "Notes", CHOICES.keys);
  const key = select("key", "Key", keyChoices, true);
  const every = select("every", "Sampled", CHOICES.every, true);
  const low = select("low", "From", keyChoices, true);
  const high = select("high", "To", keyChoices, true);
  const layers = select("layers", "Velocity layers", CHOICES.layers, true);
  const takes = select("takes", "Round robins", CHOICES.takes, true);
  const device = select("device", "Made for", CHOICES.device);
  const subtype = select("subtype", "Samples", CHOICES.subtype);
  const rate = select("rate", "Rate", ratesOf(model), true);
  const measure = select("measure", "Level", CHOICES.measure);
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
  const formats = FORMATS.map(([name, title]) => {
    const { box, element } = toggle(title, `Write ${title} too`, () =>
      change({
        formats: FORMATS.map(([one]) => one).filter((one) =>
          one === name ? box.checked : options.formats.includes(one),
        ),
      }),
    );
    controls.push({ draw: () => (box.checked = options.formats.includes(name)) });
    return { box, element };
  });
  const name = h("input", {
    type: "text",
    id: "pack-name",
    maxlength: "80",
    placeholder: "GANSynth pack",
    autocomplete: "off",
    oninput: () => change({ name: name.value }),
  });
  const sheet = h(
    "div",
    { class: "options" },
    h(
      "div",
      { class: "fields" },
      h("div", { class: "field" }, h("label", { for: "pack-name" }, "Name"), name),
      keys.element,
    ),
    h("div", { class: "fields three" }, key.element, low.element, high.element, every.element),
    h(
      "details",
      {},
      h("summary", {}, "Instruments"),
      h(
        "div",
        { class: "ticks", role: "group", "aria-label": "Written for" },
        ...formats.map(({ element }) => element),
      ),
      h("div", { class: "fields" }, layers.element, takes.element),
      h("div", { class: "ticks" }, loops.element, stereo.element, wavetable.element),
    ),
    h(
      "details",
      {},
      h("summary", {}, "Files and levels"),
      h(
        "div",
        { class: "fields" },
        device.element,
        subtype.element,
        rate.element,
        measure.element,
        level.element,
        naming.element,
        rejects.element,
      ),
    ),
  );

  // --- the export ---

  const weight = h("p", { class: "weight", role: "status" });
  const start = h("button", { class: "button strong", onclick: run }, icon("download"), "Export");
  const bar = h("progress", { max: "1", "aria-label": "Export" });
  const how = h("span", { class: "how", role: "status" });
  const stop = h("button", { class: "button", onclick: cancel }, "Cancel");
  const again = h("a", { class: "again" });
  const ready = h("div", { class: "line" }, weight, start);
  const working = h("div", { class: "line" }, bar, how, stop);
  const tray = h("div", { class: "tray" }, h("div", { class: "adders" }, add, clear), list.element, blank);
  host.append(tray, sheet, h("div", { class: "foot" }, again, ready, working));

  const estimator = createLatest(
    (wish) => studio.askBody("pack/estimate", wish).then((answer) => answer.json()),
    (found) => (found.refused ? tell(found.refused, false) : tell(estimateText(found), true)),
    (error) => tell(error.message, false),
  );

  function tell(text, good) {
    weight.textContent = text;
    weight.classList.toggle("problem", !good);
    start.disabled = !good;
  }

  function weigh() {
    const { length } = studio.project.basket;
    if (length || options.wavetable) estimator.ask({ sounds: length, options: planOf(options, model) });
    else {
      estimator.forget();
      tell("Nothing to export yet.", true);
      start.disabled = true;
    }
  }

  async function run() {
    if (job) return;
    const { basket, slots } = studio.project;
    const sounds = basket.map((item) => ({ sound: item.sound, name: item.name, patch: item.patch }));
    job = "starting";
    progress = { state: "waiting", done: 0, total: 0, left: null };
    onJob();
    try {
      const answer = await studio.askBody("pack/export", {
        sounds,
        ends: [slots.a.sound, slots.b.sound],
        options: planOf(options, model),
      });
      if (job === "starting") job = (await answer.json()).job;
      else return cancelJob(studio, (await answer.json()).job); // cancelled before it had an id
      const last = await followJob(studio, job, (state) => ((progress = state), onJob()), toast);
      if (last.state === "done") finish(last.about);
      else if (last.error) toast(last.error);
    } catch (error) {
      toast(error.message);
    }
    job = progress = null;
    onJob();
  }

  function finish(about) {
    done = { href: jobFile(studio, job), about };
    h("a", { href: done.href, download: about.name }).click();
  }

  function cancel() {
    if (job === "starting") job = null;
    else if (job) cancelJob(studio, job).catch((error) => toast(error.message));
  }

  // --- drawing ---

  function draw() {
    for (const control of controls) control.draw();
    if (document.activeElement !== name) name.value = options.name;
    const { basket } = studio.project;
    const instrument = isInstrument(options);
    key.element.hidden = options.keys !== "one";
    for (const field of [low, high, every]) field.element.hidden = options.keys !== "range";
    for (const { box } of [...formats, loops]) box.disabled = !instrument;
    for (const { box } of [subtype, rate]) box.disabled = Boolean(options.device);
    list.draw(basket);
    blank.hidden = basket.length > 0;
    clear.hidden = !basket.length;
    weigh();
    drawJob();
  }

  function drawJob() {
    working.hidden = !job;
    ready.hidden = Boolean(job);
    if (job) {
      const finished = progress.total > 0 && progress.done >= progress.total;
      if (progress.total) bar.value = progress.done / progress.total;
      else bar.removeAttribute("value");
      how.textContent = finished ? "Packing …" : progressText(progress);
    }
    again.hidden = !done || Boolean(job);
    if (!done) return;
    const { name: file, notes, bytes, leftOut, kept } = done.about;
    again.href = done.href;
    again.setAttribute("download", file);
    const missing = leftOut ? `, ${leftOut} left out` : kept ? `, ${kept} with a fault` : "";
    again.textContent = `${file}: ${notesText(notes)}, ${sizeText(bytes)}${missing}`;
    again.title = leftOut || kept ? "manifest.json in the pack tells why" : "Download it again";
  }

  onJob = drawJob;
  studio.enter("pack", {
    project(before) {
      const { basket, slots } = studio.project;
      if (before.basket !== basket || before.slots !== slots) draw();
      else list.mark();
    },
  });
  draw();
}
