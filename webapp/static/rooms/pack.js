// The pack basket: sounds to take home as a sample pack, what the pack is like, and the export.

import { itemOf, itemWith } from "../document/memory.js";
import { soundText, titleOf } from "../document/sound.js";
import { blank } from "../parts/controls.js";
import { h, toast } from "../parts/dom.js";
import { icon } from "../parts/icons.js";
import { soundList } from "../parts/soundlist.js";
import { countTab } from "../parts/tabs.js";
import { nameOnBench } from "../parts/keeping.js";
import { createExport } from "./pack/export.js";
import { createSheet } from "./pack/sheet.js";
import { currentContent } from "./slots.js";

const soundsText = (number) => (number === 1 ? "1 sound" : `${number} sounds`);

export default function build(host, studio) {
  const { model } = studio;
  const list = soundList(studio, {
    label: "Pack basket",
    editable: true,
    movable: true,
    from: "basket",
    remove: (item) => studio.library.forget("basket", [item.id]),
  });
  const add = h("button", { class: "button", onclick: addCurrent }, icon("plus"), "Add current sound");
  const clear = h("button", { class: "button", title: "Take every sound out of the basket", onclick: empty }, "Empty");
  const nothing = blank(
    "basket",
    "An empty basket",
    "Collect sounds here and take them home as instruments for your sampler.",
  );
  const sheet = createSheet(model, draw);
  const foot = createExport(studio, sheet.options);
  const tray = h("div", { class: "tray" }, h("div", { class: "adders" }, add, clear), list.element, nothing);
  host.append(tray, sheet.element, foot.element);

  async function addCurrent() {
    try {
      const { sound, name } = await currentContent(studio);
      const known = itemWith(studio.library.basket, soundText(sound));
      if (known) return toast(`${known.name} is already in the pack basket.`);
      const item = itemOf(sound, name ?? nameOnBench(studio) ?? titleOf(studio.sound, model), studio.project.note);
      studio.library.keep("basket", [item], studio.project.patch);
    } catch (error) {
      toast(error.message);
    }
  }

  function empty() {
    const { basket } = studio.library;
    const length = studio.library.forget(
      "basket",
      basket.map(({ id }) => id),
    );
    toast(`Took ${soundsText(length)} out of the basket. Undo brings them back.`);
  }

  function draw() {
    const { basket } = studio.library;
    sheet.draw();
    list.draw(basket);
    nothing.hidden = basket.length > 0;
    clear.hidden = !basket.length;
    foot.draw();
    countTab("pack", basket.length, soundsText(basket.length));
  }

  studio.enter("pack", {
    project(before) {
      if (before.slots !== studio.project.slots) draw();
      else list.mark();
    },
    library: draw,
  });
  draw();
}
