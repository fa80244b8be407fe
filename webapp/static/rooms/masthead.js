// The top line: name, model, what the studio is doing, day and night.

import { compareTools } from "./compare.js";
import { h } from "../parts/dom.js";
import { toolButton } from "../parts/controls.js";
import { icon } from "../parts/icons.js";
import { hintLine } from "../parts/hints.js";
import { whileRetrying } from "../server/net.js";
import { isDark, onTheme, restoreTheme, switchTheme } from "../parts/theme.js";
import { chooseFile, copyLink, receive, saveNote, saveProject } from "./transfer.js";

export function frame(host, { signal }) {
  restoreTheme();
  const theme = h("button", { class: "tool", onclick: switchTheme });
  const state = h("p", { class: "state", role: "status" });
  const scope = h("canvas", { class: "scope", width: "240", height: "48", "aria-hidden": "true" });
  const modelName = h("span", { class: "model" });
  const later = { disabled: true }; // until the studio is open
  const back = toolButton("Undo", "undo", null, later);
  const again = toolButton("Redo", "redo", null, later);
  const tool = (label, title, name) => toolButton(label, name, null, { ...later, title });
  const open = tool("Open a file", "Open a project, a preset or a note saved here; or drop it on the page", "open");
  const save = tool("Save the project", "Save the project as a file", "save");
  const link = tool("Copy a link to this sound", "Copy a link to this sound", "link");
  const wav = tool(
    "Download this sound as a WAV file",
    "Download this sound as a WAV file (its key and length: Picture)",
    "download",
  );
  host.append(
    h("h1", {}, mark(), h("span", {}, "GANSynth ", h("b", {}, "Studio"))),
    modelName,
    h("div", { class: "file-tools", role: "group", "aria-label": "Project" }, back, again, open, save, link, wav),
    state,
    scope,
    theme,
  );
  drawTheme();

  function drawTheme() {
    theme.replaceChildren(isDark() ? icon("sun") : icon("moon"));
    theme.setAttribute("aria-label", isDark() ? "Switch to the light look" : "Switch to the dark look");
    theme.title = theme.getAttribute("aria-label");
  }

  onTheme(drawTheme, signal);
  window.addEventListener(
    "studio:unavailable",
    () => {
      state.textContent = "The studio could not be opened. Reload the page.";
      state.dataset.kind = "error";
    },
    { signal },
  );
  return { modelName, state, scope, back, again, open, save, link, wav };
}

export default function build(host, studio, { signal, framed }) {
  const { modelName, state, scope, back, again, open, save, link, wav } = framed;
  const { id, title, models } = studio.model;
  if (models.length === 1) modelName.textContent = title;
  else
    modelName.append(
      h(
        "select",
        { "aria-label": "Model", onchange: (event) => studio.changeModel(event.target.value) },
        ...models.map((one) => h("option", { value: one.id, selected: one.id === id }, one.title)),
      ),
    );
  state.before(compareTools(studio, signal), hintLine(studio));

  function drawState() {
    const { busy, error } = studio.status;
    state.dataset.kind = error ? "error" : busy ? "busy" : "ready";
    state.textContent = error ? whileRetrying(error) : busy ? "Rendering" : "Ready";
  }
  back.addEventListener("click", studio.undo);
  again.addEventListener("click", studio.redo);
  function drawSteps() {
    for (const [button, word, keys, what] of [
      [back, "Undo", "Ctrl+Z", studio.undoes()],
      [again, "Redo", "Ctrl+Shift+Z", studio.redoes()],
    ]) {
      button.disabled = what === null;
      button.title = what === null ? `${word} (${keys})` : `${word}: ${what} (${keys})`;
    }
  }
  const does = [
    [open, chooseFile],
    [save, () => saveProject(studio)],
    [link, () => copyLink(studio)],
    [wav, () => saveNote(studio)],
  ];
  for (const [button, action] of does) {
    button.addEventListener("click", action);
    button.disabled = false;
  }
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
  const drawing = icon("mark");
  drawing.classList.add("mark");
  return drawing;
}
