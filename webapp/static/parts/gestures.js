// What hands do on a canvas, by mouse, pen or fingers, told in the map's words.
//
// A gesture is a press until it has moved; then it is a drag ("draw" or "lasso"). Two fingers pinch; what is left of them,
// and what a long press or an Escape ended, is "over" until the last finger is up.
/** @import { Gesture, GestureCallbacks, GesturePlace } from "./types.js" */

const SLACK = 5; // pixels a click may slip
const TOUCH_SLACK = 10;
const LONG_MS = 500;
const WHEEL_STEP = 0.0016; // of a pixel of wheel, in the exponent
const LINE_PIXELS = 16; // of a wheel that counts in lines
const PINCH_STRENGTH = 5; // a pinch on a trackpad comes as a small wheel with Ctrl

/**
 * @param {HTMLElement} element
 * @param {object} options
 * @param {() => string} options.tool  "hand", "lasso", or any other for drawing
 * @param {GestureCallbacks} options.on
 * @param {AbortSignal} options.signal
 */
export function watchGestures(element, { tool, on, signal }) {
  const hands = createHands(on);
  const listen = (type, handler, options = {}) => element.addEventListener(type, handler, { ...options, signal });

  /** @type {(event: MouseEvent) => GesturePlace} */
  const at = (event) => {
    const box = element.getBoundingClientRect();
    const touch = event instanceof PointerEvent && event.pointerType === "touch";
    return { x: event.clientX - box.left, y: event.clientY - box.top, touch };
  };

  listen("pointerdown", (event) => {
    if (event.button > 1) return;
    if (event.button === 1) event.preventDefault(); // no scrolling by itself
    element.focus({ preventScroll: true });
    element.setPointerCapture(event.pointerId);
    hands.down(event.pointerId, at(event), {
      panning: event.button === 1 || tool() === "hand",
      lasso: event.altKey || tool() === "lasso",
      keys: { second: event.shiftKey, toggle: event.ctrlKey || event.metaKey },
    });
  });
  listen("pointermove", (event) => hands.move(event.pointerId, at(event)));
  listen("pointerup", (event) => hands.up(event.pointerId, at(event)));
  listen("pointercancel", (event) => hands.lose(event.pointerId));
  listen("lostpointercapture", (event) => hands.lose(event.pointerId));
  listen("pointerleave", (event) => hands.leave(event.pointerId));
  listen("contextmenu", (event) => event.preventDefault());
  listen("wheel", (event) => turnWheel(event, at(event), on), { passive: false });
  return { cancel: hands.cancel, busy: hands.busy };
}

/**
 * The hands on the canvas: which pointers are down, and the gesture that they make.
 * @param {GestureCallbacks} on
 */
function createHands(on) {
  /** @type {Map<number, GesturePlace>} by the pointer's id */
  const down = new Map();
  /** @type {Gesture | null} */
  let gesture = null;
  let long = null; // the timer of a long press

  const isDrag = () => gesture?.kind === "draw" || gesture?.kind === "lasso";

  function finish(act) {
    clearTimeout(long);
    gesture = { kind: "over" };
    act();
  }

  function release(id) {
    down.delete(id);
    if (!down.size) gesture = null;
    else if (gesture?.kind === "pinch") gesture = { kind: "over" };
  }

  // Takes back the drag under way; true if there was one.
  function cancel() {
    clearTimeout(long);
    const drawing = isDrag();
    if (gesture) gesture = { kind: "over" };
    if (drawing) on.cancel();
    return drawing;
  }

  function pinch() {
    const now = spread(down);
    on.pan(now.x - gesture.last.x, now.y - gesture.last.y);
    on.zoom(now.wide / gesture.last.wide, now);
    gesture.last = now;
  }

  // What a pointer that moved `place` means for the gesture that it began.
  function carryOn(place) {
    const { from, last } = gesture;
    if (gesture.kind === "pan") {
      on.pan(place.x - last.x, place.y - last.y);
    } else if (isDrag()) {
      on.move(place);
    } else if (gesture.kind === "press") {
      const slack = place.touch ? TOUCH_SLACK : SLACK;
      if (Math.hypot(place.x - from.x, place.y - from.y) <= slack) return;
      clearTimeout(long);
      gesture.kind = gesture.lasso ? "lasso" : "draw";
      on.begin(from, gesture.kind);
      on.move(place);
    }
  }

  return {
    cancel,
    busy: () => gesture !== null,
    down(id, place, { panning, lasso, keys }) {
      down.set(id, place);
      if (down.size === 2) {
        cancel();
        gesture = { kind: "pinch", last: spread(down) };
      }
      if (down.size > 1) return;
      gesture = { kind: panning ? "pan" : "press", id, from: place, last: place, lasso, keys };
      if (panning) return;
      on.leave?.();
      if (place.touch) long = setTimeout(() => finish(() => on.tap(place, { second: true })), LONG_MS);
    },
    move(id, place) {
      if (!down.has(id)) {
        if (!place.touch && !gesture) on.hover(place);
        return;
      }
      down.set(id, place);
      if (gesture?.kind === "pinch") return pinch();
      if (gesture?.id !== id) return;
      carryOn(place);
      gesture.last = place;
    },
    up(id, place) {
      if (gesture?.id === id) {
        const { kind, keys } = gesture;
        if (kind === "press") finish(() => on.tap(place, keys));
        else if (isDrag()) finish(() => on.end(place));
      }
      release(id);
    },
    lose(id) {
      if (gesture?.id === id) cancel();
      release(id);
    },
    leave(id) {
      if (!down.has(id)) on.leave?.();
    },
  };
}

/**
 * The middle of two fingers, and how far they are apart.
 * @param {Map<number, GesturePlace>} down
 */
function spread(down) {
  const [one, other] = [...down.values()];
  return {
    x: (one.x + other.x) / 2,
    y: (one.y + other.y) / 2,
    wide: Math.max(1, Math.hypot(one.x - other.x, one.y - other.y)),
  };
}

/**
 * @param {WheelEvent} event
 * @param {GesturePlace} place
 * @param {GestureCallbacks} on
 */
function turnWheel(event, place, on) {
  event.preventDefault();
  const lines = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? LINE_PIXELS : 1;
  if (event.shiftKey) return on.pan(-(event.deltaX + event.deltaY) * lines, 0);
  const strength = event.ctrlKey ? PINCH_STRENGTH : 1;
  on.zoom(Math.exp(-event.deltaY * lines * WHEEL_STEP * strength), place);
}
