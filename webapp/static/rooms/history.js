// History: every sound that somebody listened to, newest first. Undo does not touch it: what somebody undid is often what
// they look for here.

import { blank } from "../parts/controls.js";
import { itemOf } from "../document/memory.js";
import { createFinder } from "../parts/finder.js";
import { soundList } from "../parts/soundlist.js";
import { nameOnBench } from "../parts/keeping.js";
import { soundText } from "../document/sound.js";

export default function build(host, studio) {
  const { library } = studio;
  const list = soundList(studio, { label: "History", remove: (item) => library.unhear(item.id) });
  const finder = createFinder(studio, { id: "history-filter", what: "history", changed: draw });
  const empty = blank("clock", "Nothing heard yet", "Sounds you linger on are kept here, so you can find them again.");
  host.append(finder.element, list.element, empty);

  function draw() {
    const { heard } = library;
    empty.hidden = heard.length > 0;
    list.draw(finder.find(heard));
  }

  studio.enter("history", {
    project: list.mark,
    library: draw,
    heard: (sound, pitch) => library.hears(itemOf(sound, nameOnBench(studio, soundText(sound)) ?? "", pitch)),
  });
  draw();
}
