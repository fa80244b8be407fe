// A path over the pad: points [share of the time, x, y], rising in time from 0 to 1, each from 0 to 1.
/** @import { PathPoint } from "./types.js" */

const TOLERANCE = 0.008; // of the pad's width: how far a simplified path may be from where the hand was
const MOST_POINTS = 120;
export const MOST_KEYFRAMES = 24;
const KEYFRAME_EVERY = 0.07; // of the pad's width: nearer sounds are hardly told apart
const STANDING = 0.05; // a path that stands still for all its time is worth this much of the pad's width

const between = (a, b, share) => a + (b - a) * share;
const round = (value) => Math.round(value * 1e4) / 1e4;

/**
 * Where the path is at a share of its time: [x, y].
 * @param {PathPoint[]} path
 * @param {number} at
 */
export function pathAt(path, at) {
  const next = path.findIndex(([time]) => time >= at);
  if (next <= 0) return (next === 0 ? path[0] : path.at(-1)).slice(1);
  const [before, after] = [path[next - 1], path[next]];
  const share = (at - before[0]) / (after[0] - before[0]);
  return [between(before[1], after[1], share), between(before[2], after[2], share)];
}

/**
 * What a hand recorded as a path: normalised in time and freed of points that say nothing. The places left out are
 * compared at their own time (Meratnia and de By 2004), so that a rest stays a rest. Null for what took no time or went
 * nowhere.
 * @param {PathPoint[]} recorded  with milliseconds instead of shares of the time
 * @returns {PathPoint[] | null}
 */
export function pathOf(recorded) {
  const [begin, end] = [recorded[0]?.[0], recorded.at(-1)?.[0]];
  if (!(end > begin) || !recorded.some(([, x, y]) => x !== recorded[0][1] || y !== recorded[0][2])) return null;
  /** @type {PathPoint[]} */
  const points = recorded.map(([time, x, y]) => [(time - begin) / (end - begin), x, y]);
  const rising = points.filter(([time], index) => index === points.length - 1 || time < points[index + 1][0]);
  let tolerance = TOLERANCE;
  let path = thinned(rising, tolerance);
  while (path.length > MOST_POINTS) path = thinned(rising, (tolerance *= 1.5));
  return path.map(([time, x, y]) => [round(time), round(x), round(y)]);
}

/**
 * @param {PathPoint[]} points
 * @param {number} tolerance
 * @returns {PathPoint[]}
 */
function thinned(points, tolerance) {
  if (points.length < 3) return points;
  const ends = [points[0], points.at(-1)];
  let worst = 0;
  let far = 0;
  for (let index = 1; index < points.length - 1; index++) {
    const [time, x, y] = points[index];
    const [px, py] = pathAt(ends, time);
    const distance = Math.hypot(x - px, y - py);
    if (distance > far) [worst, far] = [index, distance];
  }
  if (far <= tolerance) return ends;
  return [...thinned(points.slice(0, worst + 1), tolerance).slice(0, -1), ...thinned(points.slice(worst), tolerance)];
}

/**
 * Moments of the path to render, the first at 0 and the last at 1: close where it moves, few where it rests.
 * @param {PathPoint[]} path
 */
export function keyframesOf(path) {
  const travelled = [0];
  for (let index = 1; index < path.length; index++) {
    const [time, x, y] = path[index];
    const [before, px, py] = path[index - 1];
    travelled.push(travelled[index - 1] + Math.hypot(x - px, y - py) + STANDING * (time - before));
  }
  const whole = travelled.at(-1);
  const count = Math.max(2, Math.min(MOST_KEYFRAMES, Math.ceil(whole / KEYFRAME_EVERY) + 1));
  return Array.from({ length: count }, (_, number) => {
    const goal = (whole * number) / (count - 1);
    const next = Math.max(
      1,
      travelled.findIndex((way) => way >= goal - 1e-12),
    );
    const share = (goal - travelled[next - 1]) / (travelled[next] - travelled[next - 1]);
    const [at, x, y] = path[next - 1].map((value, axis) => between(value, path[next][axis], share));
    return { at: round(at), x: round(x), y: round(y) };
  });
}
