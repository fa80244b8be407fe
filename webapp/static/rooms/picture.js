// The last note, seen and taken home: waveform with spectrogram, or rainbowgram, of what plays, of A or of B; PNG and WAV.

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
  const pitch = h("select", {
    id: "note",
    onchange: () => studio.dispatch({ type: "note", pitch: Number(pitch.value) }),
  });
  for (let value = model.high; value >= model.low; value--)
    pitch.append(h("option", { value: String(value) }, pitchName(value)));
  const seconds = h("input", {
    type: "number",
    id: "seconds",
    min: "0.1",
    max: String(model.seconds),
    step: "0.1",
    inputmode: "decimal",
    onchange: () => {
      studio.dispatch({ type: "seconds", seconds: seconds.value === "" ? NaN : Number(seconds.value) });
      seconds.value = String(studio.project.seconds);
    },
  });
  const save = h("button", { class: "button strong", onclick: download }, icon("download"), "Download WAV");
  const savePng = h(
    "button",
    {
      class: "tool framed",
      "aria-label": "Save the picture as PNG",
      title: "Save the picture as PNG",
      disabled: true,
      onclick: downloadPicture,
    },
    icon("picture"),
  );
  const subjects = choices(
    "Picture of",
    SUBJECTS,
    () => subject,
    (name) => (subject = name),
  );
  const kinds = choices(
    "Kind of picture",
    KINDS,
    () => kind,
    (name) => (kind = name),
    ABOUT_KINDS,
  );
  host.append(
    h("div", { class: "looks" }, subjects.element, kinds.element, savePng),
    frame,
    h(
      "div",
      { class: "take" },
      h("label", { for: "note" }, "Key"),
      pitch,
      h("label", { for: "seconds", title: "How long the key is held; the release rings on" }, "Length"),
      h("span", { class: "unit" }, seconds, "s"),
      save,
    ),
  );

  let asked = null; // what the picture shown or on its way is of
  let abort = null;
  let calm = null;

  const shownSound = () => (subject === "now" ? studio.sound : studio.project.slots[subject].sound);

  // A row of choices of which one holds.
  function choices(label, titles, chosen, choose, about = {}) {
    const mark = () =>
      buttons.forEach((button) => button.setAttribute("aria-checked", String(button.dataset.name === chosen())));
    const pick = (name) => (choose(name), mark(), schedule());
    const buttons = Object.entries(titles).map(([name, title]) =>
      h("button", { role: "radio", "data-name": name, title: about[name], onclick: () => pick(name) }, title),
    );
    mark();
    return { element: h("div", { class: "choices", role: "radiogroup", "aria-label": label }, ...buttons) };
  }

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

  // The picture as it is seen, with the page's ground behind it.
  function downloadPicture() {
    const { naturalWidth: width, naturalHeight: height } = image;
    const canvas = h("canvas", { width: String(width), height: String(height) });
    const pen = canvas.getContext("2d");
    pen.fillStyle = getComputedStyle(host).getPropertyValue("--panel");
    pen.fillRect(0, 0, width, height);
    pen.drawImage(image, 0, 0);
    const name = `${image.alt
      .replace(/^.* of /, "")
      .replaceAll("♯", "s")
      .replace(/[^\w-]+/g, "_")}_${kind}.png`;
    canvas.toBlob((blob) => saveBlob(blob, name));
  }

  async function download() {
    save.disabled = true;
    await saveNote(studio);
    save.disabled = false;
  }

  function draw() {
    pitch.value = String(studio.project.note);
    if (document.activeElement !== seconds) seconds.value = String(studio.project.seconds);
    schedule();
  }

  studio.enter("picture", { project: draw, keys: schedule, status: schedule });
  onTheme(schedule, signal);
  new ResizeObserver(schedule).observe(frame);
  draw();
}
