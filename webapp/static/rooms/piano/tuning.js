// The tuning of the keys: a menu of those that have a name, and Scala's files.
/** @import { Studio } from "../../types.js" */
/** @import { Tuning } from "../../document/types.js" */

import { h, toast } from "../../parts/dom.js";
import { takeFiles } from "../../parts/drop.js";
import { menuButton } from "../../parts/menu.js";

const ENDINGS = [".scl", ".kbm"];
const EQUAL = "equal"; // keys that sound as they are named

/**
 * A button that tells the tuning and opens the menu, and the menu.
 * @param {Studio} studio
 */
export function tuningMenu(studio) {
  /** @type {(Tuning & {title: string})[]} */
  let named = [];
  const words = h("span", {});
  const [button, list] = menuButton("Tuning", entries);
  button.classList.add("options", "tuning");
  button.replaceChildren(words);

  const choose = (tuning) => studio.dispatch({ type: "tuning", tuning });

  function entries() {
    const now = studio.project.tuning?.name ?? EQUAL;
    const chosen = (name, title) => (name === now ? `✓ ${title}` : title);
    const own = named.some(({ name }) => name === now) ? [] : [{ title: `✓ ${now}`, act: () => {} }];
    return [
      ...named.map(({ title, ...tuning }) => ({ title: chosen(tuning.name, title), act: () => choose(tuning) })),
      ...own,
      { title: "Open Scala files (.scl, .kbm) …", act: () => picker.click() },
    ];
  }

  const picker = h("input", {
    type: "file",
    accept: ENDINGS.join(","),
    multiple: true,
    onchange: () => open([...picker.files]),
  });

  // A scale, a keyboard, or both.
  async function open(files) {
    picker.value = "";
    const texts = {};
    for (const file of files) texts[file.name.slice(-3).toLowerCase()] = await file.text();
    const name = files.map((file) => file.name.replace(/\.\w+$/, "")).join(" on ");
    try {
      choose(await (await studio.askBody("tuning", { ...texts, name })).json());
    } catch (error) {
      toast(error.message);
    }
  }

  async function learn() {
    try {
      named = await (await studio.askModel("tunings", {})).json();
    } catch (error) {
      toast(error.message);
    }
  }

  takeFiles("tuning", { endings: ENDINGS, what: "a tuning (.scl)", open: (file) => open([file]) });
  button.addEventListener("pointerenter", () => named.length || learn());
  button.addEventListener("focus", () => named.length || learn());

  function draw() {
    const { tuning } = studio.project;
    words.textContent = tuning ? tuning.name : "Tuning";
    button.title = tuning ? `Tuning: ${tuning.name}` : "Tuning: twelve equal steps";
    button.dataset.on = String(tuning !== null);
  }

  draw();
  return { elements: [button, list], draw };
}
