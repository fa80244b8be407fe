// What one does with the path drawn over the pad: play it, loop it, save it, send steps of it to the pack.

import { numberField } from "../../parts/controls.js";
import { h, toast } from "../../parts/dom.js";
import { icon } from "../../parts/icons.js";
import { menuButton } from "../../parts/menu.js";
import { pathAt } from "../../document/path.js";
import { canonical } from "../../document/sound.js";
import { drawPlayButton, glideOf } from "../glide.js";
import { collect, SERIES } from "../slots.js";

// `soundAt([x, y])` is the sound at a place; `onState()` is called when the path starts or stops.
export function createPathBar(studio, { soundAt, onState }) {
  const glide = glideOf(studio);
  const drawn = () => studio.project.path;
  const complain = (error) => toast(error.message);
  const play = h("button", { class: "tool framed", onclick: playOrStop });
  const loop = h(
    "button",
    { class: "tool framed", "aria-label": "Loop the path", title: "Loop", "aria-pressed": "false", onclick: turnLoop },
    icon("loop"),
  );
  const seconds = numberField({
    min: "0.2",
    max: String(studio.model.seconds),
    step: "0.1",
    inputmode: "decimal",
    "aria-label": "Seconds for the path",
    title: "Seconds for the path",
    set: (value) => studio.dispatch({ type: "path", seconds: value }),
    read: () => Math.round(studio.project.pathSeconds * 100) / 100,
  });
  const element = h(
    "div",
    { class: "transport", role: "group", "aria-label": "Path" },
    play,
    loop,
    h("span", { class: "unit" }, seconds.field, "s"),
    ...menuButton("Path options", () => [
      { title: "Save as WAV", act: () => glide.download(drawn()).catch(complain) },
      {
        label: "Add steps along it to the pack",
        row: SERIES.map((count) => ({
          title: String(count),
          name: `Add ${count} steps to the pack`,
          act: () => series(count),
        })),
      },
      { title: "Clear the path", act: () => (glide.stop(), studio.dispatch({ type: "path", path: [] })) },
    ]),
  );

  const isLooping = () => loop.getAttribute("aria-pressed") === "true";

  function playPath() {
    glide.play(drawn, isLooping()).catch(complain);
  }

  function playOrStop() {
    if (glide.state(drawn)) glide.stop();
    else playPath();
  }

  function turnLoop() {
    const on = !isLooping();
    loop.setAttribute("aria-pressed", String(on));
    if (glide.state(drawn)) glide.setLoop(on);
  }

  function series(count) {
    const places = Array.from({ length: count }, (_, step) => pathAt(drawn(), step / (count - 1)));
    collect(
      studio,
      places.map((place, step) => ({ sound: canonical(soundAt(place)), name: `Path ${step + 1}` })),
    );
  }

  function drawPlay() {
    drawPlayButton(play, glide.state(drawn), { start: "Play the path", stop: "Stop the path" });
    onState();
  }

  glide.onChange("pad", drawPlay);

  return {
    element,
    playPath,
    stop: glide.stop,
    drawPlay,
    // Where the path is while it plays: [x, y], or null.
    position: () => (glide.state(drawn) === "playing" && drawn().length > 0 ? pathAt(drawn(), glide.position()) : null),
    draw() {
      element.hidden = !drawn().length;
      seconds.show();
    },
  };
}
