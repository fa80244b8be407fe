// Favourites: starred sounds with names and tags. With basket and history they go out as one file, and come back.

import { blank } from "../parts/controls.js";
import { toast } from "../parts/dom.js";
import { createFinder } from "../parts/finder.js";
import { menuButton } from "../parts/menu.js";
import { soundList } from "../parts/soundlist.js";
import { starButton } from "../parts/star.js";
import { chooseFile, saveLibrary } from "./transfer.js";

export default function build(host, studio) {
  const { library } = studio;
  const list = soundList(studio, {
    label: "Favourites",
    editable: true,
    remove(item) {
      library.forget("favourites", [item.id]);
      toast(`Deleted ${item.name}. Undo brings it back.`);
    },
  });
  const files = menuButton("Library options", () => [
    { title: "Save favourites, basket and history as a file", act: () => saveLibrary(studio) },
    { title: "Add a saved library …", act: chooseFile },
  ]);
  const finder = createFinder(studio, { id: "favourites-filter", what: "favourites", changed: draw }, ...files);
  const empty = blank(
    "star",
    "Nothing starred yet",
    "Star a sound you like, here or next to its name, to keep it with a name and tags of your own.",
    starButton(studio, "Star this sound"),
  );
  host.append(finder.element, list.element, empty);

  function draw() {
    const { favourites } = library;
    empty.hidden = favourites.length > 0;
    list.draw(finder.find(favourites).toReversed());
  }

  studio.enter("favourites", { project: list.mark, library: draw });
  draw();
}
