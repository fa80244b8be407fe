// The last note, seen and taken home: waveform with spectrogram, or rainbowgram, of what plays, of A or of B; PNG and WAV.

import { numberField } from "../parts/controls.js";
import { h, isShown, saveBlob } from "../parts/dom.js";
import { icon } from "../parts/icons.js";
import { onTheme, themeName } from "../parts/theme.js";
import { persist, whileRetrying } from "../server/net.js";
import { soundText, titleOf } from "../document/sound.js";
import { clamp } from "../document/numbers.js";
import { saveNote } from "./transfer.js";

const CALM_MS = 350; // pictures are drawn on the processor that renders notes: only while nobody plays or waits

const SUBJECTS = { now: "Now", a: "A", b: "B" };
const KINDS = { spectrogram: "Spectrogram", rainbow: "Rainbow" };
const ABOUT_KINDS = {
  spectrogram: "Waveform, and what sounds when at which frequency",
  rainbow: "Colour is the exact frequency: a steady partial keeps one hue",
};

let subject = "now"; // what one looks at outlasts a second mount
let kind = "spectrogram";

export default function build(host, studio, { signal }) {
  const { model, pitchName } = studio;

  const image = h("img", { alt: "", hidden: true });
  const empty = h("p", { class: "empty" }, "Drawing the note …");
  const frame = h("figure", {}, image, empty);
  const take = createTake(studio);
  const savePng = h(
    "button",
    {
      class: "tool framed",
      "aria-label": "Save the picture as PNG",
      title: "Save the picture as PNG",
      disabled: true,
      onclick: () => savePicture(image, kind, getComputedStyle(host).getPropertyValue("--panel")),
    },
    icon("picture"),
  );
  const subjects = choices(
    "Picture of",
    SUBJECTS,
    () => subject,
    (name) => ((subject = name), schedule()),
  );
  const kinds = choices(
    "Kind of picture",
    KINDS,
    () => kind,
    (name) => ((kind = name), schedule()),
    ABOUT_KINDS,
  );
  host.append(h("div", { class: "looks" }, subjects, kinds, savePng), frame, take.element);

  let asked = null; // what the picture shown or on its way is of
  let abort = null;
  let calm = null;

  const shownSound = () => (subject === "now" ? studio.sound : studio.project.slots[subject].sound);

  const wanted = () => ({
    sound: soundText(shownSound()),
    pitch: studio.project.note,
    kind,
    width: clamp(Math.round(frame.clientWidth / 20) * 20, 280, 1600),
    height: clamp(Math.round(frame.clientHeight / 20) * 20, 240, 900),
    theme: themeName(),
  });
  const key = () => JSON.stringify(wanted());

  function schedule() {
    clearTimeout(calm);
    if (!isShown(host) || !frame.clientWidth) return;
    if (key() === asked) return;
    frame.dataset.stale = "true";
    calm = setTimeout(() => (studio.isQuiet() ? paint() : schedule()), CALM_MS);
  }

  function complain(sentence) {
    delete frame.dataset.stale;
    empty.hidden = false;
    image.hidden = true;
    savePng.disabled = true;
    empty.textContent = `No picture: ${sentence}`;
  }

  async function paint() {
    const parameters = wanted();
    asked = JSON.stringify(parameters);
    abort?.abort();
    abort = new AbortController();
    const { signal } = abort;
    const fetchPicture = () => studio.askModel("picture", parameters, { signal }).then((answer) => answer.blob());
    const seen = kind === "rainbow" ? "Rainbowgram" : "Waveform and spectrogram";
    const caption = `${seen} of ${titleOf(shownSound(), model)}, ${pitchName(studio.project.note)}`;
    try {
      const picture = URL.createObjectURL(
        await persist(fetchPicture, { onRetry: (error) => complain(whileRetrying(error)) }),
      );
      image.onload = () => URL.revokeObjectURL(picture);
      image.src = picture;
      image.alt = caption;
      image.hidden = false;
      savePng.disabled = false;
      empty.hidden = true;
      delete frame.dataset.stale;
    } catch (error) {
      if (error.name === "AbortError") return;
      asked = null;
      complain(error.message);
    }
  }

  function draw() {
    take.draw();
    schedule();
  }

  studio.enter("picture", { project: draw, keys: schedule, status: schedule });
  onTheme(schedule, signal);
  new ResizeObserver(schedule).observe(frame);
  draw();
}

// A row of choices of which one holds.
function choices(label, titles, chosen, choose, about = {}) {
  const mark = () =>
    buttons.forEach((button) => button.setAttribute("aria-checked", String(button.dataset.name === chosen())));
  const pick = (name) => (choose(name), mark());
  const buttons = Object.entries(titles).map(([name, title]) =>
    h("button", { role: "radio", "data-name": name, title: about[name], onclick: () => pick(name) }, title),
  );
  mark();
  return h("div", { class: "choices", role: "radiogroup", "aria-label": label }, ...buttons);
}

// Saves a picture as it is seen, with the page's `ground` behind it, named after what it is of.
function savePicture(image, kind, ground) {
  const { naturalWidth: width, naturalHeight: height } = image;
  const canvas = h("canvas", { width: String(width), height: String(height) });
  const pen = canvas.getContext("2d");
  pen.fillStyle = ground;
  pen.fillRect(0, 0, width, height);
  pen.drawImage(image, 0, 0);
  const subject = image.alt.replace(/^.* of /, "").replaceAll("♯", "s");
  const name = `${subject.replace(/[^\w-]+/g, "_")}_${kind}.png`;
  canvas.toBlob((blob) => saveBlob(blob, name));
}

// The note one takes home: its key, its length, and the button that saves it.
function createTake(studio) {
  const { model, pitchName } = studio;
  const pitch = h("select", {
    id: "note",
    onchange: () => studio.dispatch({ type: "note", pitch: Number(pitch.value) }),
  });
  for (let value = model.high; value >= model.low; value--)
    pitch.append(h("option", { value: String(value) }, pitchName(value)));
  const seconds = numberField({
    id: "seconds",
    min: "0.1",
    max: String(model.seconds),
    step: "0.1",
    inputmode: "decimal",
    set: (value) => studio.dispatch({ type: "seconds", seconds: value }),
    read: () => studio.project.seconds,
  });
  const save = h("button", { class: "button strong", onclick: download }, icon("download"), "Download WAV");
  async function download() {
    save.disabled = true;
    await saveNote(studio);
    save.disabled = false;
  }

  return {
    element: h(
      "div",
      { class: "take" },
      h("label", { for: "note" }, "Key"),
      pitch,
      h("label", { for: "seconds", title: "How long the key is held; the release rings on" }, "Length"),
      h("span", { class: "unit" }, seconds.field, "s"),
      save,
    ),
    draw() {
      pitch.value = String(studio.project.note);
      seconds.show();
    },
  };
}
