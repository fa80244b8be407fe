// The top line: name, model, what the studio is doing, day and night.

import { compareTools } from "./compare.js";
import { h, hostOf, icon } from "./dom.js";
import { hintLine } from "./hints.js";
import { whileRetrying } from "./net.js";
import { changeModel, openStudio } from "./studio.js";
import { chooseFile, copyLink, receive, saveNote, saveProject } from "./transfer.js";

const THEME_KEY = "gansynth-studio:theme";
const SUN = ["M12 4V2M12 22v-2M4 12H2M22 12h-2M6.3 6.3 4.9 4.9M19.1 19.1l-1.4-1.4M6.3 17.7l-1.4 1.4M19.1 4.9l-1.4 1.4", "M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8Z"];
const MOON = ["M20 14.5A8.5 8.5 0 0 1 9.5 4a8.5 8.5 0 1 0 10.5 10.5Z"];

export const isDark = () => document.body.classList.contains("dark");

export default async function mount({ element }) {
  const host = hostOf(element);
  try {
    const chosen = localStorage.getItem(THEME_KEY);
    if (chosen) document.body.classList.toggle("dark", chosen === "dark");
  } catch {
    // Without storage the system's own preference stands.
  }
  const theme = h("button", { class: "tool", onclick: switchTheme });
  const state = h("p", { class: "state", role: "status" });
  const scope = h("canvas", { class: "scope", width: "240", height: "48", "aria-hidden": "true" });
  const modelName = h("span", { class: "model" });
  const back = h("button", { class: "tool", "aria-label": "Undo", title: "Undo (Ctrl+Z)", disabled: true }, icon("M9 7H15a5 5 0 0 1 0 10H8M9 3 5 7l4 4"));
  const again = h("button", { class: "tool", "aria-label": "Redo", title: "Redo (Ctrl+Shift+Z)", disabled: true }, icon("M15 7H9a5 5 0 0 0 0 10h7M15 3l4 4-4 4"));
  const tool = (label, title, onclick, ...paths) => h("button", { class: "tool", "aria-label": label, title, onclick, disabled: true }, icon(...paths));
  const open = tool("Open a file", "Open a project, a preset or a note saved here; or drop it on the page", chooseFile, "M3.5 18.5v-12h6l2 2.5h9v9.5z");
  const save = tool("Save the project", "Save the project as a file", () => saveProject(studio), "M5 4h11l3 3v13H5zM8.5 4v4.5h6V4M8 20v-6.5h8V20");
  const link = tool(
    "Copy a link to this sound", "Copy a link to this sound", () => copyLink(studio),
    "M10 14.2a4 4 0 0 0 6 .4l3-3A4 4 0 0 0 13.4 6l-1.2 1.1M14 9.8a4 4 0 0 0-6-.4l-3 3a4 4 0 0 0 5.6 5.6l1.2-1.1",
  );
  const wav = tool("Download this sound as a WAV file", "Download this sound as a WAV file (its key and length: Picture)", () => saveNote(studio), "M12 4v11M7 11l5 5 5-5M5 20h14");
  host.append(
    h("h1", {}, mark(), h("span", {}, "GANSynth ", h("b", {}, "Studio"))),
    modelName, h("div", { class: "file-tools", role: "group", "aria-label": "Project" }, back, again, open, save, link, wav), state, scope, theme,
  );
  drawTheme();

  function switchTheme() {
    const dark = document.body.classList.toggle("dark");
    try {
      localStorage.setItem(THEME_KEY, dark ? "dark" : "light");
    } catch {
      // The switch holds until the page is left.
    }
    drawTheme();
    window.dispatchEvent(new Event("studio:theme"));
  }

  function drawTheme() {
    theme.replaceChildren(isDark() ? icon(...SUN) : icon(...MOON));
    theme.setAttribute("aria-label", isDark() ? "Switch to the light look" : "Switch to the dark look");
    theme.title = theme.getAttribute("aria-label");
  }

  const studio = await openStudio().catch(() => {
    state.textContent = "The studio could not be opened. Reload the page.";
    state.dataset.kind = "error";
    return null;
  });
  if (!studio) return;
  const { id, title, models } = studio.model;
  if (models.length === 1) modelName.textContent = title;
  else modelName.append(h("select", { "aria-label": "Model", onchange: (event) => changeModel(event.target.value) }, ...models.map((one) => h("option", { value: one.id, selected: one.id === id }, one.title))));
  state.before(compareTools(studio), hintLine(studio));

  function drawState() {
    const { busy, error } = studio.status;
    state.dataset.kind = error ? "error" : busy ? "busy" : "ready";
    state.textContent = error ? whileRetrying(error) : busy ? "Rendering" : "Ready";
  }
  back.addEventListener("click", studio.undo);
  again.addEventListener("click", studio.redo);
  function drawSteps() {
    for (const [button, word, keys, what] of [[back, "Undo", "Ctrl+Z", studio.undoes()], [again, "Redo", "Ctrl+Shift+Z", studio.redoes()]]) {
      button.disabled = what === null;
      button.title = what === null ? `${word} (${keys})` : `${word}: ${what} (${keys})`;
    }
  }
  for (const button of [open, save, link, wav]) button.disabled = false;
  studio.enter("masthead", { status: drawState, project: drawSteps });
  drawState();
  drawSteps();
  watchSound(studio.engine, scope);
  receive(studio);
}

// What is sounding, as a line; it rests (and costs nothing) while nothing sounds.
function watchSound(engine, canvas) {
  const pen = canvas.getContext("2d");
  const wave = new Float32Array(8192);
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  let silent = true;
  function frame() {
    if (!canvas.isConnected) return;
    const sounds = !still.matches && engine.busy() && engine.wave(wave);
    if (sounds || !silent) {
      const { width, height } = canvas;
      pen.clearRect(0, 0, width, height);
      pen.strokeStyle = getComputedStyle(canvas).color;
      pen.lineWidth = 2;
      pen.beginPath();
      // Starting at a rising zero keeps the picture from running sideways.
      let from = 0;
      if (sounds) while (from < 6000 && !(wave[from] <= 0 && wave[from + 1] > 0)) from++;
      for (let x = 0; x < width; x++) {
        const level = sounds ? wave[from + Math.floor((x * 1200) / width)] : 0;
        const y = height / 2 - Math.max(-1, Math.min(1, level * 1.6)) * (height / 2 - 3);
        x ? pen.lineTo(x, y) : pen.moveTo(x, y);
      }
      pen.stroke();
      silent = !sounds;
    }
    setTimeout(() => requestAnimationFrame(frame), sounds ? 33 : 120);
  }
  silent = false;
  frame();
}

function mark() {
  const drawing = icon("M3 15v-6", "M7.5 19V5", "M12 21V3", "M16.5 17V7", "M21 14v-4");
  drawing.classList.add("mark");
  return drawing;
}
