// Drags on the map: from one point to another they morph, over empty space they blend, with the lasso they select.

import { createLatest } from "../server/net.js";
import { blendWeights, inside, progress } from "./scatter.js";
import { titleOf } from "../document/sound.js";

const BLENDED = 4; // points in the sound of a place
const FAINTEST = 0.01; // share of a point in it
const STAYS = 0.85; // another goal takes over once it is nearer than this share of the distance to the present one
const AHEAD = 60; // pixels that a morph still has to go while the hand moves: it arrives once the hand rests
const REST_MS = 180;

// `hit(at)` is the point at a place of the screen or null; passing(point) is told the goal that a morph heads for,
// gathered(points) what a lasso holds.
export function createDrags({ studio, atlas, sky, hit, passing, gathered }) {
  const around = createLatest(studio.prepare, () => {}); // what cannot be fetched ahead is heard a little later
  let doing = null; // {kind: "morph" | "blend" | "lasso", at, ...} while the hand is down
  let rest = null;

  const screen = (point) => sky.toScreen(sky.place(point));

  // From the point where the drag began to the one that the hand is nearest to, as far as it has come.
  function morph(at) {
    const { start } = doing;
    const near = sky.nearest(at, BLENDED).filter(({ point }) => point !== start);
    if (!near.length) return;
    const away = (point) => Math.hypot(screen(point).x - at.x, screen(point).y - at.y);
    if (doing.goal === null || near[0].distance < STAYS * away(doing.goal)) doing.goal = near[0].point;
    passing(doing.goal);
    around.ask([start, doing.goal, ...near.map(({ point }) => point)].map(atlas.sound));
    span(progress(screen(start), at, screen(doing.goal), AHEAD));
    clearTimeout(rest);
    if (hit(at) !== null) rest = setTimeout(() => span(1), REST_MS);
  }

  function span(t) {
    const [a, b] = [doing.start, doing.goal].map(atlas.sound);
    const way = (t * Math.PI) / 2; // until the exact sound is here both ends are heard, at equal power
    studio.drag(
      { type: "span", a, b, t },
      {
        near: [
          { sound: a, share: Math.cos(way) },
          { sound: b, share: Math.sin(way) },
        ],
      },
    );
  }

  // A blend of what lies around the hand, the nearest loudest.
  function blend(at) {
    const near = sky.nearest(at, BLENDED + 1);
    if (!near.length) return;
    const weights = blendWeights(near.map(({ distance }) => distance));
    doing.threads = weights
      .map((share, index) => ({ point: near[index].point, share }))
      .filter(({ share }) => share >= FAINTEST);
    const parts = doing.threads.map(({ point, share }) => ({ sound: atlas.sound(point), share }));
    around.ask(parts.map(({ sound }) => sound));
    const sound =
      parts.length === 1
        ? parts[0].sound
        : { blend: parts.map((part) => [part.sound, Math.round(part.share * 100) / 100]) };
    studio.drag(
      { type: "put", slot: "a", sound, stay: false },
      { near: parts.map((part) => ({ ...part, share: Math.sqrt(part.share) })) },
    );
  }

  return {
    begin(at, kind) {
      const start = kind === "lasso" ? null : hit(at);
      if (kind === "lasso") doing = { kind, at, way: [at] };
      else doing = start === null ? { kind: "blend", at, threads: [] } : { kind: "morph", at, start, goal: null };
    },
    move(at) {
      doing.at = at;
      if (doing.kind === "lasso") doing.way.push(at);
      else if (doing.kind === "morph") morph(at);
      else blend(at);
      sky.repaint();
    },
    // Returns what came of it in words, or null.
    end() {
      clearTimeout(rest);
      const { kind, at, way, start, goal } = doing;
      if (kind === "morph" && goal !== null && hit(at) !== null) span(1);
      doing = null;
      sky.repaint();
      if (kind === "lasso") {
        gathered(
          inside(
            sky.places,
            way.map((corner) => Object.values(sky.toPlace(corner))),
            sky.lit,
          ),
        );
        return null;
      }
      studio.drop();
      if (kind === "blend") return `${titleOf(studio.sound, studio.model)} is now A`;
      const [from, to] = [start, goal ?? start].map((point) => titleOf(atlas.sound(point), studio.model));
      return `From ${from} to ${to}, ${Math.round(studio.project.morph.t * 100)} %`;
    },
    cancel() {
      clearTimeout(rest);
      if (doing.kind !== "lasso") studio.cancel();
      doing = null;
      sky.repaint();
    },
    // What it shows, as marks.js draws it; on(point) tells where a point is.
    scene: (on) => ({
      hand: doing?.kind === "blend" ? doing.at : null,
      threads: (doing?.threads ?? []).map(({ point, share }) => ({ ...on(point), share })),
      goal: doing?.kind === "morph" && doing.goal !== null ? on(doing.goal) : null,
      lasso: doing?.kind === "lasso" ? doing.way.map(({ x, y }) => [x, y]) : [],
    }),
  };
}
