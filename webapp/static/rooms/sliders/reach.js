// How far the sliders that follow the sound can take it: the ends of their way in the descriptor's unit, and which sides of
// it would be heard at all.

import { h, isShown } from "../../parts/dom.js";
import { soundText, valueText, without } from "../../document/sound.js";

const CALM_MS = 150;

// `rows`: {direction, element} of sliders with a descriptor. Returns a function to be called whenever the sound may have
// changed; it asks only while `host` is in sight.
export function createReach(host, studio, rows) {
  const { descriptors, steered } = studio.model;
  const followed = rows
    .filter(({ direction }) => steered.includes(direction.name))
    .map((row) => {
      const [from, to] = [h("i", {}), h("i", {})];
      row.element.append(h("span", { class: "reach" }, from, to));
      return { ...row, from, to };
    });
  let calm = null;
  let shown = null; // text of the sound that the ends shown are of

  function reachSoon() {
    clearTimeout(calm);
    if (!followed.length || !isShown(host)) return;
    const text = soundText(without(studio.sound, steered));
    if (text !== shown) calm = setTimeout(() => (studio.isSettled() ? ask(text) : reachSoon()), CALM_MS);
  }

  async function ask(text) {
    shown = text;
    try {
      const answer = await studio.askModel("reach", { sound: text });
      const { sliders } = await answer.json();
      if (shown === text) show(sliders);
    } catch {
      shown = null; // asked for again at the next change; the sound's own request tells what is wrong
    }
  }

  function show(sliders) {
    for (const row of followed) {
      const one = sliders[row.direction.name]; // none of an own sound, of whose imprint nothing is predicted
      if (one) showEnds(row, one);
      else showEnds(row, { down: true, up: true });
    }
  }

  /**
   * @param {{direction: any, element: HTMLElement, from: HTMLElement, to: HTMLElement}} row
   * @param {{low?: number, here?: number, high?: number, down: boolean, up: boolean}} ends
   */
  function showEnds({ direction, element, from, to }, { low, here, high, down, up }) {
    const descriptor = descriptors.find(({ name }) => name === direction.descriptor);
    const [lowest, now, highest] = [low, here, high].map((value) =>
      value === undefined ? "" : valueText(value, descriptor),
    );
    from.textContent = down ? lowest : "";
    to.textContent = up ? highest : "";
    element.style.setProperty("--from", down ? "0%" : "50%");
    element.style.setProperty("--to", up ? "100%" : "50%");
    element.classList.toggle("roomless", !down && !up);
    if (here === undefined) element.title = "";
    else if (down || up)
      element.title = `${descriptor.title} of this sound, by this slider: ${down ? lowest : now} to ${up ? highest : now}`;
    else
      element.title = `This sound stays near ${now}: its ${direction.title.toLowerCase()} has no room that would be heard`;
  }

  return reachSoon;
}
