// What goes out of the page and comes back: the project as a file, the sound as a link, a WAV with its sound in it.

import { carriesSound } from "../audio/wav.js";
import { h, saveBlob, saveFile, toast } from "../parts/dom.js";
import { acceptedFiles, openFile, takeFiles } from "../parts/drop.js";
import { readLibrary } from "../document/library.js";
import { isLink, readLink, writeLink } from "../document/permalink.js";
import { soundText, titleOf } from "../document/sound.js";
import { restore } from "../document/restore.js";
import { reduce } from "../document/store.js";
import { nameOnBench } from "../parts/keeping.js";

const LARGEST_PROJECT = 200e6; // bytes: a library with hundreds of own sounds and their recordings
const LONG_SOUND = 4000; // characters of a sound in a link; what is longer goes as its numbers

let following = null;

export function saveProject(studio) {
  const name = `gansynth-${new Date().toISOString().slice(0, 10)}.json`;
  saveBlob(new Blob([JSON.stringify(studio.project, null, 1)], { type: "application/json" }), name);
}

// Favourites, basket and history as one file.
export function saveLibrary(studio) {
  const name = `gansynth-library-${new Date().toISOString().slice(0, 10)}.json`;
  saveBlob(new Blob([studio.library.text()], { type: "application/json" }), name);
}

// A sound's note under the hand as a WAV file, as it is played now.
export async function saveNote(studio, sound = studio.sound) {
  const { note, seconds, patch } = studio.project;
  try {
    await saveFile(
      await studio.askModel("wav", { sound: soundText(sound), pitch: note, seconds, patch: JSON.stringify(patch) }),
    );
  } catch (error) {
    toast(error.message);
  }
}

// A sound with the envelope and gain it is played with, as a preset that `gansynth_core.load_patch` reads too.
export async function savePreset(studio, name, sound) {
  try {
    const answer = await studio.askBody("preset/save", { sound, patch: studio.project.patch, name });
    const file = name
      .normalize("NFKD")
      .replace(/[^\w-]+/g, "_")
      .replace(/^_+|_+$/g, "");
    saveBlob(
      new Blob([JSON.stringify(await answer.json(), null, 1)], { type: "application/json" }),
      `${file || "sound"}_preset.json`,
    );
  } catch (error) {
    toast(error.message);
  }
}

async function openPreset(studio, preset, fileName) {
  try {
    const { name, sound, patch } = await (await studio.askBody("preset/read", { preset })).json();
    /** @type {import("../document/types.js").Action[]} */
    const actions = [
      { type: "put", slot: "a", sound, name: name || null, stay: false },
      { type: "patch", patch },
    ];
    studio.load(actions.reduce((project, action) => reduce(project, action, studio.model), studio.project));
    toast(`The preset ${name || fileName} is in A, with its envelope.`);
  } catch (error) {
    toast(error.message);
  }
}

// The preset in a file's text; null where it is something else.
function presetIn(text) {
  try {
    const document = JSON.parse(text);
    return document?.timbre ? document : null;
  } catch {
    return null;
  }
}

export async function copyLink(studio) {
  try {
    let { sound } = studio;
    const name = nameOnBench(studio) ?? titleOf(sound, studio.model);
    if (studio.soundText.length > LONG_SOUND) sound = await studio.flatten(sound);
    const { note, patch } = studio.project;
    const url = new URL(document.baseURI);
    url.searchParams.set("model", studio.model.id); // there, another one may be the first
    url.hash = await writeLink({ sound, name, note, patch }, studio.model);
    await navigator.clipboard.writeText(url.href).then(
      () => toast("A link to this sound is copied."),
      () => window.prompt("Copy this link to the sound", url.href), // pages without https may not write there
    );
  } catch (error) {
    toast(error.message);
  }
}

// The sound in the page's address, if there is one, goes into A; the address is then plain again, so that a reload
// does not bring the sound back over what became of it.
async function openLink(studio) {
  const { hash } = window.location;
  if (!isLink(hash)) return;
  window.history.replaceState(null, "", window.location.pathname + window.location.search);
  try {
    const { sound, name, note, patch } = await readLink(hash, studio.model);
    await studio.flatten(sound); // the model is the judge of what it can play
    const named = name === titleOf(sound, studio.model) ? null : name;
    /** @type {import("../document/types.js").Action[]} */
    const actions = [
      { type: "put", slot: "a", sound, name: named, stay: false },
      { type: "patch", patch },
    ];
    if (note !== null) actions.push({ type: "note", pitch: note });
    studio.load(actions.reduce((project, action) => reduce(project, action, studio.model), studio.project));
    toast(`${name ?? "The sound of the link"} is in A.`);
  } catch (error) {
    toast(error.message);
  }
}

async function openProject(studio, file) {
  if (file.size > LARGEST_PROJECT) return toast(`“${file.name}” is too large to be a project.`);
  const text = await file.text();
  const library = readLibrary(text, studio.model);
  if (library) return addLibrary(studio, library);
  const preset = presetIn(text);
  if (preset) return openPreset(studio, preset, file.name);
  const { project, complaint, lost, kept } = restore(text || "?", studio.model);
  if (complaint) return toast(`${complaint} The bench stays as it is.`);
  studio.load(project);
  // Favourites are nobody's but the player's: those of an older file come in only when they are asked for.
  const more = kept.favourites.length + kept.basket.length;
  const held = more ? ` It holds ${counted(more, "kept sound")} besides.` : "";
  const offer = more ? { title: "Add to my library", act: () => addLibrary(studio, { kept, lost: 0 }) } : null;
  return toast(`Opened ${file.name}.${missing(lost)}${held}`, offer);
}

const counted = (count, what) => (count === 1 ? `one ${what}` : `${count} ${what}s`);

function missing(lost) {
  if (!lost) return "";
  return lost === 1
    ? " One sound that this model cannot play was left out."
    : ` ${lost} sounds that this model cannot play were left out.`;
}

// Adds the lists that `readLibrary` or an older project held.
function addLibrary(studio, { complaint = "", kept = null, lost = 0 }) {
  if (complaint) return toast(`${complaint} Your library stays as it is.`);
  const added = studio.library.add(kept);
  if (!added) return toast(`Every sound of it is in your library already.${missing(lost)}`);
  return toast(`Added ${counted(added, "sound")} to your library. Undo takes it back.${missing(lost)}`);
}

// A WAV that the studio wrote carries the sound it was made of.
async function openWav(studio, file) {
  const largest = studio.model.shared.limits.wav_bytes;
  if (file.size > largest)
    return toast(`“${file.name}” is too large: notes of the studio are below ${largest / 1e6} MB.`);
  try {
    const answer = await studio.sendFile("sound", file, "audio/wav", { name: file.name });
    const sound = await answer.json();
    studio.dispatch({ type: "put", slot: "a", sound, name: file.name.replace(/\.wav$/i, ""), stay: false });
    return toast(`The sound of ${file.name} is in A.`);
  } catch (error) {
    return toast(error.message);
  }
}

// Shows the file picker for everything the page can open.
export function chooseFile() {
  const input = h("input", {
    type: "file",
    accept: acceptedFiles(),
    onchange: () => input.files[0] && openFile(input.files[0]),
  });
  input.click();
}

export function receive(studio) {
  takeFiles("project", {
    endings: [".json"],
    what: "a project, preset or library (.json)",
    open: (file) => openProject(studio, file),
  });
  takeFiles("wav", {
    endings: [".wav"],
    what: "a note saved here (.wav)",
    takes: carriesSound,
    open: (file) => openWav(studio, file),
  });
  following?.abort();
  following = new AbortController();
  window.addEventListener("hashchange", () => openLink(studio), { signal: following.signal });
  openLink(studio);
}
