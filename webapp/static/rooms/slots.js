// A slot as one sees and grabs it, on the line or at a corner of the pad: letter, name, family, a menu; a sound can be
// dropped on it, and it can be dragged onto another.

import { carries, receives } from "../parts/dragdrop.js";
import { h, toast } from "../parts/dom.js";
import { itemOf } from "../document/memory.js";
import { findLike } from "../parts/likeness.js";
import { menuButton } from "../parts/menu.js";
import { openInstruments } from "./instruments.js";
import { canonical, depth, hueOf, instrumentOf, leadingInstrument, soundText, titleOf } from "../document/sound.js";
import { clamp } from "../document/numbers.js";
import { SLOTS, target, titleOfMix } from "../document/project.js";
import { thumb } from "../parts/thumbs.js";
import { saveNote, savePreset } from "./transfer.js";

const LONG = 24; // letters that fill a tile's line; names of more are written smaller
const LONGER = 30;
const MOST = 36; // of names of more, the middle is left out; the tooltip has it
const PICTURED = 60; // MIDI: the note whose spectrogram lies behind the name
export const SERIES = [4, 8, 16]; // sounds on the way from one to another, for the pack

export const letterOf = (slot) => slot.toUpperCase();
export const nameOf = ({ sound, name }, model) => name ?? titleOf(sound, model);

// A sound made of others as one known by its numbers: sounds of sounds of sounds would become too long to be sent.
export async function settled(studio, sound) {
  if (depth(sound) === 1) return sound;
  return (await studio.askModel("timbre", { sound: JSON.stringify(canonical(sound)) })).json();
}

// What plays now, to be kept: {sound, name}.
export async function currentContent(studio) {
  const { project, sound, model } = studio;
  const at = target(project);
  const name = at === "mix" ? titleOfMix(project, model) : project.slots[at].name;
  return { sound: await settled(studio, sound), name };
}

// Sounds on their way into the pack's basket, [{sound, name}], as one step to undo.
export function collect(studio, contents) {
  const { note, patch } = studio.project;
  const items = contents.map(({ sound, name }) => itemOf(sound, name, note));
  const added = studio.library.keep("basket", items, patch);
  toast(`${added} sounds are in the pack basket.`);
}

// `go` is the action that brings the handle to this slot; `other`, on a line, its other end.
export function createSlot(studio, slot, { go, other = null }) {
  const { model } = studio;
  const pitch = clamp(PICTURED, model.low, model.high);
  const letter = letterOf(slot);
  let pictured = null;
  const name = h("strong", {});
  const family = h("span", { class: "family" });
  const share = h("span", { class: "share" });
  const face = h(
    "button",
    { class: "tile", onclick: () => studio.dispatch(go) },
    h("span", { class: "letter" }, letter),
    h("span", { class: "words" }, name, family, share),
  );
  const element = h("div", { class: "slot", "data-slot": slot }, face, ...menuButton(`Options for ${letter}`, entries));
  const content = () => ({ ...studio.project.slots[slot] });
  carries(element, content);
  receives(element, model, ({ sound, name: given }) => studio.dispatch({ type: "put", slot, sound, name: given }));

  function entries() {
    return [
      { title: "Choose an instrument", act: choose },
      { title: "Put the current sound here", disabled: target(studio.project) === slot, act: take },
      { title: "Find more like this", act: () => findLike(content().sound, nameOf(content(), model)) },
      { title: "Download as WAV", act: () => saveNote(studio, content().sound) },
      { title: "Save as a preset", act: () => savePreset(studio, nameOf(content(), model), content().sound) },
      {
        label: "Copy to",
        row: SLOTS.filter((one) => one !== slot).map((one) => ({
          title: letterOf(one),
          name: `Copy to ${letterOf(one)}`,
          act: () => copy(one),
        })),
      },
      other && {
        label: `Add steps ${letter} → ${letterOf(other)} to the pack`,
        row: SERIES.map((count) => ({
          title: String(count),
          name: `Add ${count} steps to the pack`,
          act: () => series(count),
        })),
      },
    ].filter(Boolean);
  }

  function choose() {
    studio.dispatch(go);
    openInstruments();
  }

  async function take() {
    try {
      studio.dispatch({ type: "put", slot, ...(await currentContent(studio)), stay: false });
    } catch (error) {
      toast(error.message);
    }
  }

  const copy = (to) => studio.dispatch({ type: "put", slot: to, ...content(), stay: true });

  function series(count) {
    const ends = [slot, other].map((one) => studio.project.slots[one]);
    const [from, to] = ends.map((end) => nameOf(end, model));
    const sounds = Array.from({ length: count }, (_, step) =>
      canonical({ morph: [ends[0].sound, ends[1].sound], at: step / (count - 1) }),
    );
    collect(
      studio,
      sounds.map((sound, step) => ({ sound, name: `${from} → ${to} ${step + 1}` })),
    );
  }

  // `part`: how much of what sounds is this slot's, 0 to 1.
  function draw(part = null) {
    const { project } = studio;
    const held = project.slots[slot];
    const title = nameOf(held, model);
    const { length } = title;
    name.textContent = length > MOST ? `${title.slice(0, MOST - 13)}… ${title.slice(-11)}` : title;
    name.className = length > LONGER ? "longest" : length > LONG ? "long" : "";
    family.textContent = instrumentOf(leadingInstrument(held.sound), model)?.family.title ?? "";
    share.textContent = part === null ? "" : `${Math.round(part * 100)} %`;
    element.style.setProperty("--hue", hueOf(held.sound, model));
    face.setAttribute("aria-pressed", String(target(project) === slot));
    face.title = title;
    const text = soundText(held.sound);
    if (pictured === text) return;
    pictured = text;
    face.querySelector(".thumb")?.remove();
    face.prepend(thumb(studio, held.sound, pitch, "large"));
  }

  return { element, draw };
}
