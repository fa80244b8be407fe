// Files dropped anywhere on the page go to the room that takes them.

import { h, toast } from "./dom.js";

const takers = new Map(); // name -> {endings, what, takes, open}
let shade = null;
let entered = 0; // dragenter and dragleave come for every element on the way

// `what` is read in "Drop a project": files whose names end in one of `endings` are handed to open(file). Of several takers
// of an ending the one goes first whose `takes(file)` promises true.
export function takeFiles(name, { endings, what, takes = null, open }) {
  takers.set(name, { endings, what, takes, open });
}

// What a file picker offers: every ending that somebody takes.
export const acceptedFiles = () => [...new Set([...takers.values()].flatMap(({ endings }) => endings))].join();

const listed = (words) => (words.length > 1 ? `${words.slice(0, -1).join(", ")} or ${words.at(-1)}` : words[0]);
const carriesFiles = (event) => Boolean(event.dataTransfer?.types.includes("Files"));

// Opens a file, dropped or chosen, in the room that takes it.
export async function openFile(file) {
  const fits = [...takers.values()].filter(({ endings }) =>
    endings.some((ending) => file.name.toLowerCase().endsWith(ending)),
  );
  for (const taker of fits.filter(({ takes }) => takes)) if (await taker.takes(file)) return taker.open(file);
  const taker = fits.find(({ takes }) => !takes);
  if (taker) return taker.open(file);
  return toast(`Can't open “${file.name.slice(0, 60)}”. Drop ${listed([...takers.values()].map(({ what }) => what))}.`);
}

function show(on) {
  if (!on) entered = 0;
  shade ??= h("div", { class: "drop-shade", hidden: true }, h("p", {}));
  if (!shade.isConnected) document.body.append(shade);
  shade.hidden = !on;
  shade.firstChild.textContent = `Drop ${listed([...takers.values()].map(({ what }) => what))}`;
}

window.addEventListener("dragenter", (event) => carriesFiles(event) && ++entered && show(true));
window.addEventListener("dragleave", (event) => carriesFiles(event) && --entered <= 0 && show(false));
window.addEventListener("dragover", (event) => carriesFiles(event) && event.preventDefault());
window.addEventListener("drop", (event) => {
  if (!carriesFiles(event)) return;
  const taken = event.defaultPrevented; // by the room it fell on
  event.preventDefault();
  show(false);
  if (taken) return;
  for (const file of event.dataTransfer.files) openFile(file);
});
