// The top line: name, model, files, what the studio is doing, help, day and night. What has no room is in a menu.

import { compareTools } from "./compare.js";
import { h } from "../parts/dom.js";
import { toolButton } from "../parts/controls.js";
import { icon } from "../parts/icons.js";
import { hintLine } from "../parts/hints.js";
import { menuButton } from "../parts/menu.js";
import { whileRetrying } from "../server/net.js";
import { isDark, onTheme, restoreTheme, switchTheme } from "../parts/theme.js";
import { shortcutSheet } from "./shortcuts.js";
import { chooseFile, copyLink, receive, saveNote, saveProject } from "./transfer.js";

// What one does with the project and the sound as a whole: buttons where there is room, else entries of a menu.
const FILES = [
  [
    "Open a file",
    "Open a project, a preset, a library, a note saved here or a recording; or drop it on the page",
    "open",
  ],
  ["Save the project", "Save the project as a file", "save"],
  ["Copy a link to this sound", "Copy a link to this sound", "link"],
  ["Download this sound as a WAV file", "Download this sound as a WAV file (its key and length: Picture)", "download"],
];

export function frame(host, { signal }) {
  restoreTheme();
  const theme = h("button", { class: "tool wide", onclick: switchTheme });
  const state = h("p", { class: "state", role: "status" }, h("span", {}));
  const scope = h("canvas", { class: "scope", width: "240", height: "48", "aria-hidden": "true" });
  const modelName = h("span", { class: "model wide" });
  const later = { disabled: true }; // until the studio is open
  const back = toolButton("Undo", "undo", null, later);
  const again = toolButton("Redo", "redo", null, later);
  const files = FILES.map(([label, title, name]) =>
    toolButton(label, name, null, { ...later, title, class: "tool wide" }),
  );
  const help = toolButton("Keyboard shortcuts", "help", null, { ...later, title: "Shortcuts (?)", class: "tool help" });
  const end = h("div", { class: "end" }, help, theme);
  host.append(
    h("h1", {}, mark(), h("span", {}, "GANSynth ", h("b", {}, "Studio"))),
    modelName,
    h("div", { class: "file-tools", role: "group", "aria-label": "Project" }, back, again, ...files),
    state,
    scope,
    end,
  );
  drawTheme();

  function drawTheme() {
    theme.replaceChildren(isDark() ? icon("sun") : icon("moon"));
    theme.setAttribute("aria-label", themeWords());
    theme.title = themeWords();
  }

  onTheme(drawTheme, signal);
  window.addEventListener(
    "studio:unavailable",
    () => {
      state.firstChild.textContent = "The studio could not be opened. Reload the page.";
      state.dataset.kind = "error";
    },
    { signal },
  );
  return { modelName, state, scope, back, again, files, help, end };
}

const themeWords = () => (isDark() ? "Switch to the light look" : "Switch to the dark look");

export default function build(host, studio, { signal, framed }) {
  const { modelName, state, scope, back, again, files, help, end } = framed;
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
    state.firstChild.textContent = error ? whileRetrying(error) : busy ? "Rendering" : "Ready";
    state.title = state.textContent;
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
  const does = [chooseFile, () => saveProject(studio), () => copyLink(studio), () => saveNote(studio)];
  files.forEach((button, index) => {
    button.addEventListener("click", does[index]);
    button.disabled = false;
  });
  const turnHelp = shortcutSheet(host, signal);
  help.addEventListener("click", turnHelp);
  help.disabled = false;
  window.addEventListener("studio:help", turnHelp, { signal });
  const folded = menuButton("More", () => [
    ...FILES.map(([words], index) => ({ title: words, act: does[index] })),
    { title: themeWords(), act: switchTheme },
    { title: "Keyboard shortcuts", act: turnHelp },
    ...(models.length > 1 ? models : []).map((one) => ({
      title: `Model: ${one.title}`,
      disabled: one.id === id,
      act: () => studio.changeModel(one.id),
    })),
  ]);
  end.append(h("div", { class: "folded" }, ...folded));
  studio.enter("masthead", { status: drawState, project: drawSteps, library: drawSteps });
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
