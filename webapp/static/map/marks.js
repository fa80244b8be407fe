// Marks over the points of the map: where A, B and the sound that plays are, and what the hand is doing.

const EDGE = 16; // pixels from the rim at which marks of places out of sight stay
const RIPPLE_MS = 600;

// Draws one layer. `scene` has, all in CSS pixels of the canvas:
//   ends: [{letter, hue, x, y, exact, active}] slots that have a place, in the order of their line or rim; `active` is
//     the one that plays, `exact` one that is a point of the map itself; one that is none may have a name, `text`, and
//     points that it lies among: [{x, y}]
//   owns: [{text, hue, x, y, hovered}] own sounds that are in no slot
//   closed: whether the line goes back to its start; handle: {x, y} of what plays now, or null
//   threads: [{x, y, share}] from the hand to what it blends; hand: {x, y}; goal: {x, y} of a morph under way
//   hover, cursor: {x, y, radius} or null; lasso: [[x, y]]; ripples: [{x, y, began, hue}]
// Returns whether something still moves.
export function drawMarks(pen, scene, { width, height }, ink, now, still) {
  const { hand, threads = [], ends, handle, hover, cursor, lasso, ripples } = scene;
  pen.lineJoin = pen.lineCap = "round";
  for (const thread of threads) {
    pen.globalAlpha = 0.25 + 0.75 * thread.share;
    stroke(pen, [hand, thread], ink.strong, 1 + 2 * thread.share);
    ring(pen, thread, 5 + 4 * thread.share, ink.strong, 1.5);
  }
  for (const end of ends) among(pen, end, ink);
  pen.globalAlpha = 1;
  if (ends.length > 1) line(pen, scene.closed ? [...ends, ends[0]] : ends, ink);
  const moving = !still && ripples.length > 0;
  for (const ripple of still ? [] : ripples) {
    const share = Math.min(1, Math.max(0, (now - ripple.began) / RIPPLE_MS));
    pen.globalAlpha = (1 - share) ** 2;
    ring(pen, ripple, 6 + 22 * (1 - (1 - share) ** 3), ink.hue(ripple.hue), 2);
  }
  pen.globalAlpha = 1;
  if (hover) ring(pen, hover, hover.radius, ink.strong, 2);
  if (cursor) {
    ring(pen, cursor, 9, ink.strong, 2);
    ring(pen, cursor, 12, ink.ground, 2);
  }
  if (scene.goal) ring(pen, scene.goal, 12, ink.strong, 1.5);
  for (const own of scene.owns) diamond(pen, own, ink);
  for (const end of ends) letter(pen, end, within(end, width, height), ink);
  if (handle) knob(pen, within(handle, width, height), ink);
  if (hand && threads.length) knob(pen, hand, ink);
  if (lasso.length > 1) {
    pen.beginPath();
    for (const [x, y] of lasso) pen.lineTo(x, y);
    pen.closePath();
    pen.fillStyle = ink.veil;
    pen.fill();
    pen.setLineDash([5, 4]);
    pen.strokeStyle = ink.strong;
    pen.lineWidth = 1.5;
    pen.stroke();
    pen.setLineDash([]);
  }
  return moving;
}

// Draws the names of islands [{text, x, y}] where there is room for them, the first ones first. `own` are names that are
// drawn later.
export function drawNames(pen, islands, own, { width, height }, ink) {
  pen.font = `12px ${ink.font}`;
  pen.textAlign = "center";
  pen.textBaseline = "middle";
  pen.lineWidth = 3;
  const taken = own.map(({ text, x, y }) => ({ x, y, half: pen.measureText(text).width / 2 + 8 }));
  for (const { text, x, y } of islands) {
    const half = pen.measureText(text).width / 2 + 4;
    if (x < half || x > width - half || y < 10 || y > height - 10) continue;
    if (taken.some((other) => Math.abs(other.x - x) < other.half + half + 8 && Math.abs(other.y - y) < 24)) continue;
    taken.push({ x, y, half });
    pen.strokeStyle = ink.ground;
    pen.strokeText(text, x, y);
    pen.fillStyle = ink.strong;
    pen.fillText(text, x, y);
  }
}

export const fades = (ripple, now) => now - ripple.began > RIPPLE_MS;

function stroke(pen, way, style, wide) {
  pen.beginPath();
  for (const { x, y } of way) pen.lineTo(x, y);
  pen.strokeStyle = style;
  pen.lineWidth = wide;
  pen.stroke();
}

function ring(pen, { x, y }, radius, style, wide) {
  pen.beginPath();
  pen.arc(x, y, radius, 0, 2 * Math.PI);
  pen.strokeStyle = style;
  pen.lineWidth = wide;
  pen.stroke();
}

// From colour to colour along the way, on a dark edge so that it is seen over any points.
function line(pen, way, ink) {
  stroke(pen, way, ink.ground, 5);
  for (let at = 1; at < way.length; at++) {
    const [from, to] = [way[at - 1], way[at]];
    const blend = pen.createLinearGradient(from.x, from.y, to.x, to.y);
    blend.addColorStop(0, ink.hue(from.hue));
    blend.addColorStop(1, ink.hue(to.hue));
    stroke(pen, [from, to], blend, 2.5);
  }
}

// Threads from an own sound to the points that it is like.
function among(pen, end, ink) {
  pen.globalAlpha = 0.7;
  for (const point of end.among) {
    stroke(pen, [end, point], ink.hue(end.hue), 1);
    ring(pen, point, 4.5, ink.hue(end.hue), 1.2);
  }
}

function named(pen, { text, x, y }, ink) {
  const { width } = pen.canvas.getBoundingClientRect();
  pen.font = `700 12px ${ink.font}`;
  pen.textAlign = "center";
  pen.textBaseline = "middle";
  pen.lineWidth = 4;
  const half = pen.measureText(text).width / 2 + 6;
  const at = Math.max(half, Math.min(width - half, x));
  pen.strokeStyle = ink.ground;
  pen.strokeText(text, at, y);
  pen.fillStyle = ink.strong;
  pen.fillText(text, at, y);
}

const DIAMOND = 7;

function diamond(pen, { text, hue, x, y, hovered }, ink) {
  pen.beginPath();
  for (const [dx, dy] of [
    [0, -1],
    [1, 0],
    [0, 1],
    [-1, 0],
  ])
    pen.lineTo(x + dx * DIAMOND, y + dy * DIAMOND);
  pen.closePath();
  pen.fillStyle = ink.hue(hue);
  pen.fill();
  pen.strokeStyle = hovered ? ink.strong : ink.ground;
  pen.lineWidth = 2;
  pen.stroke();
  named(pen, nameBelow({ text, x, y }), ink);
}

const LONGEST = 24; // letters of a name

// Where the name of an own sound stands: below its letter, or below its diamond.
export const nameBelow = ({ text, letter = null, x, y }) => ({
  text: text.length > LONGEST ? `${text.slice(0, LONGEST - 1)}…` : text,
  x,
  y: y + (letter ? 25 : 17),
});

function letter(pen, { letter: text, text: name, hue, exact, active, x, y }, at, ink) {
  if (name && at.x === x && at.y === y) named(pen, nameBelow({ text: name, letter: text, x, y }), ink);
  if (active) {
    ring(pen, at, 15, ink.ground, 4);
    ring(pen, at, 15, ink.strong, 2);
  }
  pen.beginPath();
  pen.arc(at.x, at.y, 11, 0, 2 * Math.PI);
  pen.fillStyle = exact ? ink.hue(hue) : ink.ground;
  pen.fill();
  pen.strokeStyle = exact ? ink.ground : ink.hue(hue);
  pen.lineWidth = 2;
  pen.stroke();
  if (at.x !== x || at.y !== y) pointer(pen, at, Math.atan2(y - at.y, x - at.x), ink.hue(hue));
  pen.fillStyle = exact ? ink.onHue : ink.hue(hue);
  pen.font = `700 13px ${ink.font}`;
  pen.textAlign = "center";
  pen.textBaseline = "middle";
  pen.fillText(text, at.x, at.y + 0.5);
}

// A small arrowhead beside a mark, towards a place out of sight.
function pointer(pen, at, angle, style) {
  pen.save();
  pen.translate(at.x, at.y);
  pen.rotate(angle);
  pen.beginPath();
  pen.moveTo(15.5, 0);
  pen.lineTo(11.5, -4);
  pen.lineTo(11.5, 4);
  pen.fillStyle = style;
  pen.fill();
  pen.restore();
}

function knob(pen, { x, y }, ink) {
  pen.beginPath();
  pen.arc(x, y, 6, 0, 2 * Math.PI);
  pen.fillStyle = ink.strong;
  pen.fill();
  pen.strokeStyle = ink.ground;
  pen.lineWidth = 2.5;
  pen.stroke();
}

const within = ({ x, y }, width, height) => ({
  x: Math.min(width - EDGE, Math.max(EDGE, x)),
  y: Math.min(height - EDGE, Math.max(EDGE, y)),
});
