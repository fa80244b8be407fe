// What hands do on a slider. A mouse presses anywhere on its way; a finger moves it from where it stands, and only once it
// goes along the slider: going up or down scrolls the page and changes nothing.

import { clamp } from "../document/numbers.js";
import { h } from "./dom.js";

const SLACK = 3; // pixels a finger goes before it is seen which way
const DOUBLE_MS = 350; // between the taps of a double tap
const GRIP = 14; // pixels around the handle that a mouse may take hold of without moving it

/**
 * Where the handle goes with a mouse that took it a little beside its middle: without a jump, and with the mouse to both
 * ends of its way.
 * @param {number} now  share of the way at which the mouse is
 * @param {number} began  that at which it took hold
 * @param {number} share  that at which the handle stood
 */
function bentTo(now, began, share) {
  if (now >= began) return began < 1 ? share + ((now - began) * (1 - share)) / (1 - began) : share;
  return (now * share) / began;
}

/**
 * Wraps a range input, which stays what keyboards and screen readers use: hands move it through "input" events, and a
 * "change" event follows where they let it go at another value.
 * @param {HTMLInputElement} input
 * @param {object} [on]
 * @param {(share: number, held: boolean) => void} [on.over]  the mouse comes to the slider at a share (0 to 1) of its way,
 *   or a hand takes hold of it
 * @param {() => void} [on.left]  the mouse leaves
 * @param {() => void} [on.released]  a hand lets it go, moved or not
 * @param {() => void} [on.doubled]  a double click or double tap
 * @param {boolean} [on.tap]  whether a finger's tap takes the handle to its place
 */
export function runner(input, { over, left, released, doubled, tap = false } = {}) {
  /** The hand, where it began, and the share that it moves on from. @type {{id: number, x: number, y: number, share: number, moves: boolean, before: string} | null} */
  let held = null;
  let tapped = 0; // when, by the event's clock

  const step = Number(input.step) || 1;
  const limits = () => [Number(input.min), Number(input.max)];
  const shareNow = () => (Number(input.value) - limits()[0]) / (limits()[1] - limits()[0] || 1);
  // The handle's middle goes from half of it inside one end to half of it inside the other.
  function way() {
    const { left: start, width } = input.getBoundingClientRect();
    const inset = parseFloat(getComputedStyle(input).getPropertyValue("--handle")) / 2;
    return { start: start + inset, length: Math.max(1, width - 2 * inset) };
  }
  function shareAt(x) {
    const { start, length } = way();
    return clamp((x - start) / length, 0, 1);
  }

  function set(share) {
    const [least, most] = limits();
    const steps = Math.round((share * (most - least)) / step);
    const next = String(Number(clamp(least + steps * step, least, most).toFixed(6)));
    if (next === input.value) return;
    input.value = next;
    input.dispatchEvent(new Event("input", { bubbles: true }));
  }

  function press(event) {
    if (event.button !== 0 || input.disabled || held) return;
    const mouse = event.pointerType !== "touch";
    if (mouse) {
      event.preventDefault(); // no drag of a row, no selection
      input.focus({ preventScroll: true });
    }
    element.setPointerCapture(event.pointerId);
    const { pointerId: id, clientX: x, clientY: y } = event;
    held = { id, x, y, share: shareNow(), moves: mouse, before: input.value };
    over?.(mouse ? shareAt(x) : held.share, true);
    if (!mouse) return;
    const { start, length } = way();
    if (Math.abs(x - start - held.share * length) > GRIP) {
      held.share = shareAt(x);
      set(held.share);
    }
  }

  function move(event) {
    if (event.pointerId !== held?.id) return;
    const { clientX, clientY } = event;
    if (!held.moves) {
      const [across, along] = [Math.abs(clientY - held.y), Math.abs(clientX - held.x)];
      if (Math.max(across, along) < SLACK) return;
      if (across >= along) return void (held = null); // the page's
      Object.assign(held, { moves: true, x: clientX });
    }
    if (event.pointerType === "touch") set(clamp(held.share + (clientX - held.x) / way().length, 0, 1));
    else set(bentTo(shareAt(clientX), shareAt(held.x), held.share));
  }

  function release(event) {
    if (event.pointerId !== held?.id) return;
    const { moves, before } = held;
    held = null;
    const isTap = event.type === "pointerup" && !moves;
    if (isTap) {
      const again = event.timeStamp - tapped < DOUBLE_MS;
      tapped = event.timeStamp;
      if (again) doubled?.();
      else if (tap) set(shareAt(event.clientX));
    }
    if (before !== input.value) input.dispatchEvent(new Event("change", { bubbles: true }));
    released?.();
  }

  const element = h(
    "span",
    {
      class: "runner",
      title: input.title || null,
      onpointerenter: (event) => event.pointerType === "mouse" && over?.(shareAt(event.clientX), false),
      onpointerleave: () => left?.(),
      onpointerdown: press,
      onpointermove: move,
      onpointerup: release,
      onpointercancel: release,
      onlostpointercapture: release,
      ondblclick: () => doubled?.(),
    },
    input,
  );
  return element;
}
