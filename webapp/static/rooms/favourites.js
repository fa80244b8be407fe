// Favourites: starred sounds with names and tags; part of the project.

import { h, toast } from "../parts/dom.js";
import { blank, searchField } from "../parts/controls.js";
import { icon } from "../parts/icons.js";
import { filterItems } from "../document/memory.js";
import { soundList } from "../parts/soundlist.js";
import { starButton } from "../parts/star.js";

export default function build(host, studio) {
  const filter = searchField({
    id: "favourites-filter",
    placeholder: "Filter by name or tag",
    "aria-label": "Filter favourites by name or tag",
    changed: draw,
  });
  const list = soundList(studio, {
    label: "Favourites",
    editable: true,
    remove(item) {
      studio.dispatch({ type: "forget", list: "favourites", id: item.id });
      toast(`Deleted ${item.name}. Undo brings it back.`);
    },
  });
  const none = h("p", { class: "none", role: "status", hidden: true });
  const empty = blank(
    "star",
    "Nothing starred yet",
    "Star a sound you like, here or next to its name, to keep it with a name and tags of your own.",
    starButton(studio, "Star this sound"),
  );
  const bar = h("div", { class: "search" }, icon("search"), filter);
  host.append(bar, none, list.element, empty);

  function draw() {
    const { favourites } = studio.project;
    const found = filterItems(favourites, filter.value);
    bar.hidden = !favourites.length;
    empty.hidden = favourites.length > 0;
    none.hidden = found.length > 0 || !favourites.length;
    none.textContent = none.hidden ? "" : `No favourites match “${filter.value}”.`;
    list.draw(found);
  }

  studio.enter("favourites", {
    project: (before) => (before.favourites === studio.project.favourites ? list.mark() : draw()),
  });
  draw();
}
