// What hands do on a canvas, by mouse, pen or fingers, told in the map's words. `on` may have
//   hover(at) / leave()            the pointer moves over, with no button down
//   tap(at, {second, toggle})      a click; `second` with Shift or after a long press, `toggle` with Ctrl
//   begin(at, kind), move(at), end(at), cancel()    a drag; `kind` is "draw" or "lasso"
//   pan(dx, dy), zoom(factor, at)  by wheel, middle button, space bar, two fingers, or the tool
// All places {x, y} are CSS pixels from the element's corner; `touch` is set on those of fingers.

import { takesText } from "./keys.js";

const SLACK = 5; // pixels a click may slip
const TOUCH_SLACK = 10;
const LONG_MS = 500;
const WHEEL_STEP = 0.0016; // of a pixel of wheel, in the exponent

export function watchGestures(element, { tool, on, signal }) {
  const down = new Map(); // pointerId -> where it is
  let gesture = null; // {kind: "press" | "draw" | "lasso" | "pan" | "pinch" | "over", id, from, ...}
  let space = false;
  let long = null;

  const listen = (target, type, handler, options = {}) =>
    target.addEventListener(type, handler, { ...options, signal });
  const at = (event) => {
    const box = element.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top, touch: event.pointerType === "touch" };
  };

  listen(element, "pointerdown", (event) => {
    if (event.button > 1) return;
    if (event.button === 1) event.preventDefault(); // no scrolling by itself
    element.focus({ preventScroll: true });
    element.setPointerCapture(event.pointerId);
    const place = at(event);
    down.set(event.pointerId, place);
    if (down.size === 2) return beginPinch();
    if (down.size > 2) return;
    const panning = event.button === 1 || space || tool() === "hand";
    gesture = {
      kind: panning ? "pan" : "press",
      id: event.pointerId,
      from: place,
      last: place,
      lasso: event.altKey || tool() === "lasso",
    };
    gesture.keys = { second: event.shiftKey, toggle: event.ctrlKey || event.metaKey };
    if (!panning) on.leave?.();
    if (place.touch && !panning) long = setTimeout(() => finish(() => on.tap(place, { second: true })), LONG_MS);
  });

  listen(element, "pointermove", (event) => {
    const place = at(event);
    if (!down.has(event.pointerId)) {
      if (!place.touch && !gesture) on.hover(place);
      return;
    }
    down.set(event.pointerId, place);
    if (gesture?.kind === "pinch") return pinch();
    if (gesture?.id !== event.pointerId) return;
    if (gesture.kind === "pan") {
      on.pan(place.x - gesture.last.x, place.y - gesture.last.y);
    } else if (
      gesture.kind === "press" &&
      Math.hypot(place.x - gesture.from.x, place.y - gesture.from.y) > (place.touch ? TOUCH_SLACK : SLACK)
    ) {
      clearTimeout(long);
      gesture.kind = gesture.lasso ? "lasso" : "draw";
      on.begin(gesture.from, gesture.kind);
      on.move(place);
    } else if (gesture.kind === "draw" || gesture.kind === "lasso") {
      on.move(place);
    }
    gesture.last = place;
  });

  listen(element, "pointerup", (event) => {
    const place = at(event);
    const { kind, id, keys } = gesture ?? {};
    if (id === event.pointerId && kind === "press") finish(() => on.tap(place, keys));
    else if (id === event.pointerId && (kind === "draw" || kind === "lasso")) finish(() => on.end(place));
    release(event.pointerId);
  });
  for (const type of ["pointercancel", "lostpointercapture"]) {
    listen(element, type, (event) => {
      if (gesture?.id === event.pointerId) cancel();
      release(event.pointerId);
    });
  }
  listen(element, "pointerleave", (event) => !down.has(event.pointerId) && on.leave?.());

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
    const drawing = gesture?.kind === "draw" || gesture?.kind === "lasso";
    if (gesture) gesture = { kind: "over" };
    if (drawing) on.cancel();
    return drawing;
  }

  const spread = () => {
    const [one, other] = [...down.values()];
    return {
      x: (one.x + other.x) / 2,
      y: (one.y + other.y) / 2,
      wide: Math.max(1, Math.hypot(one.x - other.x, one.y - other.y)),
    };
  };
  function beginPinch() {
    cancel();
    gesture = { kind: "pinch", last: spread() };
  }
  function pinch() {
    const now = spread();
    on.pan(now.x - gesture.last.x, now.y - gesture.last.y);
    on.zoom(now.wide / gesture.last.wide, now);
    gesture.last = now;
  }

  listen(
    element,
    "wheel",
    (event) => {
      event.preventDefault();
      const lines = event.deltaMode === 1 ? 16 : 1;
      if (event.shiftKey) return on.pan(-(event.deltaX + event.deltaY) * lines, 0);
      const strength = event.ctrlKey ? 5 : 1; // a pinch on a trackpad comes as a small wheel with Ctrl
      on.zoom(Math.exp(-event.deltaY * lines * WHEEL_STEP * strength), at(event));
    },
    { passive: false },
  );

  listen(element, "contextmenu", (event) => event.preventDefault());
  listen(window, "keydown", (event) => event.code === "Space" && !takesText(event.target) && (space = true));
  listen(window, "keyup", (event) => event.code === "Space" && (space = false));
  listen(window, "blur", () => (space = false));
  return { cancel, busy: () => gesture !== null };
}
