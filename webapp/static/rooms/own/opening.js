// Opening a recording: chosen, dropped anywhere on the page, or recorded by the microphone.
/** @import { Recording } from "../../audio/types.js" */

import { peakOf, readRecording, SILENT_PEAK } from "../../audio/recording.js";
import { blank } from "../../parts/controls.js";
import { h } from "../../parts/dom.js";
import { takeFiles } from "../../parts/drop.js";
import { icon } from "../../parts/icons.js";
import { show } from "../../parts/tabs.js";
import { LONGEST_SECONDS, record } from "./microphone.js";

const ENDINGS = [".wav", ".mp3", ".flac", ".aif", ".aiff", ".aifc", ".ogg", ".oga", ".opus", ".m4a", ".webm"];
const OTHERS = ["audio/*"]; // what telephones call theirs
const READ_HERE = 15e6; // bytes; what is larger might fill the browser's memory once it is unpacked
const EXAMPLES = "WAV, MP3, FLAC, AIFF or OGG";

const megabytes = (size) => `${size < 1e7 ? (size / 1e6).toFixed(1) : Math.round(size / 1e6)} MB`;
const shortened = (name) => (name.length > 60 ? `${name.slice(0, 57)}…` : name);

/**
 * opened({name, recording}) when one is there, complain(sentence or null) when it is not. Returns elements to be placed
 * (picker, blank, meter), and buttons(): "Choose" and "Record", anew for each place.
 * @param {import("../../types.js").Studio} studio
 * @param {{opened: (what: {name: string, recording: Recording}) => void, complain: (sentence: string | null) => void,
 *     busy: (doing: string | null) => void, signal: AbortSignal}} options
 */
export function createOpening(studio, { opened, complain, busy, signal }) {
  let newest = 0; // of several recordings the one that came last
  const picker = h("input", {
    type: "file",
    accept: [...ENDINGS, ...OTHERS].join(),
    hidden: true,
    "aria-label": "Recording",
    onchange: () => open(picker.files[0]),
  });
  const choose = () => picker.click();
  const microphone = createMicrophone(studio, { opened: take, complain, signal });

  async function open(file) {
    picker.value = "";
    if (!file) return;
    const mine = ++newest;
    const name = shortened(file.name);
    const largest = studio.model.shared.limits.own_bytes;
    complain(null);
    if (!file.size) return complain(`“${name}” is empty.`);
    if (file.size > largest)
      return complain(
        `“${name}” has ${megabytes(file.size)}; a recording may have ${megabytes(largest)}. Cut out the note you want.`,
      );
    busy(`Reading ${name} …`);
    try {
      const recording = await read(file);
      if (mine === newest) take({ name: file.name.replace(/\.\w+$/, ""), recording }, name);
    } catch (error) {
      if (mine === newest) complain(`“${name}” cannot be opened: ${error.message}`);
    } finally {
      if (mine === newest) busy(null);
    }
  }

  // The browser reads most files itself; the server those that it cannot, and the beginning of large ones.
  async function read(file) {
    if (file.size <= READ_HERE) {
      const bytes = await file.arrayBuffer();
      const here = await readRecording(bytes).catch(() => null);
      if (here) return here;
    }
    const answer = await studio.sendFile("recording", file, "application/octet-stream", {});
    return readRecording(await answer.arrayBuffer());
  }

  // `called` is what a complaint calls it.
  function take({ name, recording }, called = name) {
    const peak = peakOf(recording.samples);
    if (Number.isNaN(peak)) complain(`“${called}” has samples that are not numbers. Save it anew where it was made.`);
    else if (peak < SILENT_PEAK) complain(`“${called}” is silent.`);
    else opened({ name, recording });
  }

  takeFiles("own", {
    endings: ENDINGS,
    what: `a recording (${EXAMPLES})`,
    open: (dropped) => (show("own"), open(dropped)),
  });

  const buttons = (words, kind = "button") => [
    h("button", { class: kind, onclick: choose }, words),
    h("button", { class: "button record", onclick: microphone.start }, icon("microphone"), "Record"),
  ];
  return {
    picker,
    meter: microphone.element,
    buttons,
    blank: blank(
      "wave",
      "Bring your own sound",
      `Drop a recording anywhere on the page: ${EXAMPLES}. The voice learns to play it on every key, to morph it and to pack it.`,
      h("div", { class: "ways" }, ...buttons("Choose a file", "button strong")),
    ),
  };
}

// The microphone at work: how loud it is, how long it has recorded, and how to end it.
function createMicrophone(studio, { opened, complain, signal }) {
  let recorder = null;
  const level = h("meter", { min: "0", max: "1", low: "0.05", high: "0.98", optimum: "0.5", "aria-label": "Level" });
  const clock = h("output", {}, "0.0 s");
  const element = h(
    "div",
    { class: "meter", hidden: true },
    h("span", { class: "dot" }),
    level,
    clock,
    h("button", { class: "button strong", onclick: stop }, icon("stop"), "Stop"),
    h("button", { class: "button", onclick: leave }, "Discard"),
  );

  async function start() {
    if (recorder || !element.hidden) return;
    complain(null);
    studio.silence(); // it would be recorded
    element.hidden = false;
    clock.textContent = "Waiting for the microphone …";
    try {
      recorder = await record((seconds, peak) => {
        level.value = Math.max(peak, level.value * 0.9);
        clock.textContent = `${seconds.toFixed(1)} s`;
        if (seconds >= LONGEST_SECONDS) stop();
      });
      if (element.hidden) leave(); // discarded meanwhile
    } catch (error) {
      element.hidden = true;
      complain(error.message);
    }
  }

  function leave() {
    const recording = recorder?.stop();
    recorder = null;
    element.hidden = true;
    level.value = 0;
    return recording;
  }

  function stop() {
    const recording = leave();
    if (!recording) return;
    const [hours, minutes] = [new Date().getHours(), new Date().getMinutes()].map((part) =>
      String(part).padStart(2, "0"),
    );
    opened({ name: `Recording ${hours}:${minutes}`, recording });
  }

  signal.addEventListener("abort", leave);
  return { element, start };
}
