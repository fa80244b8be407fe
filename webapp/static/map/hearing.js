// Hovering is hearing: what the pointer comes to sounds, and what lies around a pointer at rest is fetched.

const HIT = 10; // pixels around a point that are its own
const TOUCH_HIT = 22;
const DWELL_MS = 20;
const CALM_MS = 180; // a pointer at rest this long has its surroundings fetched: earlier they would hold up the next sound
const AROUND = 8; // points fetched so
const NEAR = 60; // pixels from it at most

// describe(point or null) when another one, or none, is under the pointer; ripple(point) when one sounds.
export function createHearing({ studio, atlas, sky, field, describe, ripple }) {
  let hovered = null; // point under the pointer
  let tapped = null; // point that a finger tapped last
  let dwell = null;
  let calm = null;
  let moves = 0;

  // The point at a place of the screen, or null.
  const hit = (at) => sky.nearest(at, 1, at.touch ? TOUCH_HIT : HIT)[0]?.point ?? null;

  function hear(point) {
    if (!studio.engine.isRunning() || studio.keys().down.size) return;
    studio.listen(atlas.sound(point));
    ripple(point);
  }

  // A sound that is here is heard at once; for another the pointer must have come to a point, not only pass it: a note
  // asked for in passing would hold up the one that is wanted.
  function hover(at) {
    const point = hit(at);
    const mine = ++moves;
    clearTimeout(calm);
    calm = setTimeout(() => gather(at, mine), CALM_MS);
    if (point === hovered) return;
    hovered = point;
    field.classList.toggle("over", point !== null);
    describe(point);
    sky.repaint();
    clearTimeout(dwell);
    if (point === null || !studio.project.audition) return;
    if (studio.isReady(atlas.sound(point))) hear(point);
    else dwell = setTimeout(() => hear(point), DWELL_MS);
  }

  // One by one, so that the next sound the pointer goes to does not wait for all of them.
  async function gather(at, mine) {
    for (const { point } of studio.engine.isRunning() ? sky.nearest(at, AROUND, NEAR) : []) {
      if (mine !== moves) return;
      await studio.prepare([atlas.sound(point)]).catch(() => {}); // it is fetched when it is wanted
    }
  }

  function unhover() {
    clearTimeout(calm);
    clearTimeout(dwell);
    moves++;
    if (hovered === null) return;
    hovered = null;
    field.classList.remove("over");
    describe(null);
    sky.repaint();
  }

  // A finger cannot hover: its first tap on a point lets that be heard, and no more. Whether this was one.
  function firstTap(point) {
    if (point === tapped) return false;
    tapped = point;
    describe(point);
    hear(point);
    return true;
  }

  return { hit, hear, firstTap, hover, unhover, hovered: () => hovered };
}
