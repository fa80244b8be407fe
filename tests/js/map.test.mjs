import assert from "node:assert/strict";
import test from "node:test";
import { bareText, islandsOf, placeOf, reading, scaleOf, unpackAtlas } from "../../webapp/static/map/atlas.js";
import { pointsAround } from "../../webapp/static/map/neighbours.js";
import { createStamp, drawDots } from "../../webapp/static/map/dots.js";

// Three points, as the server packs them: places by latent and by sound, two descriptors, instruments, seeds.
const facts = { points: 3, instruments: ["violin", "flute"], descriptors: [{ name: "brightness" }, { name: "decay" }] };
const floats = [0, 0, 0.5, 0.5, 1, 0, 0.9, 0.9, 0.8, 0.8, 0.7, 0.7, 100, 200, 300, 1, 2, 3];
const bytes = new Uint8Array([
  ...new Uint8Array(Float32Array.from(floats).buffer),
  ...new Uint8Array(Int32Array.of(0, 1, 0, 4, 4, 9).buffer),
]);
const atlas = unpackAtlas(facts, bytes.buffer);
const place = (point) => ({ x: atlas.layouts.latent[2 * point], y: atlas.layouts.latent[2 * point + 1] });

const sky = { place, layout: "latent" };

test("the map is read as it was packed, and its points are sounds", () => {
  assert.deepEqual(place(2), { x: 1, y: 0 });
  assert.deepEqual([...atlas.values(1)], [1, 2, 3]);
  assert.deepEqual(atlas.sound(1), { instruments: { flute: 1 }, seed: 4 });
  assert.equal(atlas.pointOf(atlas.sound(2)), 2);
  assert.equal(atlas.pointOf({ instruments: { flute: 1 }, seed: 9 }), undefined);
  assert.equal(atlas.pointOf({ instruments: { organ: 1 }, seed: 4 }), undefined);
  assert.equal(atlas.pointOf({ instruments: { flute: 0.5, violin: 0.5 }, seed: 4 }), undefined);
  assert.equal(atlas.pointOf({ instruments: { flute: 1 }, z: "AAAA" }), undefined);
  const bare = unpackAtlas({ points: 1, instruments: [], descriptors: [] }, new Int32Array([0, 0, 0, 0, -1, 5]).buffer);
  assert.deepEqual(bare.sound(0), { instruments: {}, seed: 5 });
  assert.equal(bare.pointOf({ instruments: {}, seed: 5 }), 0);
});

test("a sound known by its numbers lies among the points that it is most like, bent or not", () => {
  const own = { z: "AAAA", instruments: { flute: 0.95, violin: 0.05 } };
  assert.equal(placeOf(own, atlas, sky), null);
  const unlike = [0.2, 0.1, 5];
  assert.deepEqual(
    pointsAround([0.1, 1, 3], own.instruments, atlas).map(([point, share]) => [point, share.toFixed(2)]),
    [[1, "1.00"]],
    "of its own instruments by model, and of one of them",
  );
  const around = pointsAround(unlike, {}, atlas);
  assert.deepEqual(
    around.map(([point]) => point),
    [1],
    "of the nearest's instrument by ear",
  );
  const both = pointsAround([0.1, 5, 0.3], {}, atlas);
  assert.deepEqual(
    both.map(([point, share]) => [point, share.toFixed(2)]),
    [
      [0, "0.75"],
      [2, "0.25"],
    ],
  );
  atlas.near.set(bareText(own), { latent: both, sound: around });
  const there = { x: 0.25, y: 0, exact: false };
  assert.deepEqual(placeOf(own, atlas, sky), there);
  assert.deepEqual(placeOf({ ...own, sliders: { bright: 1 } }, atlas, sky), there);
  assert.deepEqual(placeOf({ morph: [own, atlas.sound(2)], at: 1 / 3 }, atlas, sky), { x: 0.5, y: 0, exact: false });
});

test("a sound lies at its point, a mixture in the middle of its parts, and what is unknown nowhere", () => {
  const [a, b] = [0, 2].map(atlas.sound);
  assert.deepEqual(placeOf(b, atlas, sky), { x: 1, y: 0, exact: true });
  assert.deepEqual(placeOf({ ...b, sliders: { bright: 1 } }, atlas, sky), { x: 1, y: 0, exact: false });
  assert.deepEqual(placeOf({ morph: [a, b], at: 0.25 }, atlas, sky), { x: 0.25, y: 0, exact: false });
  assert.deepEqual(
    placeOf(
      {
        blend: [
          [a, 0.125],
          [b, 0.375],
        ],
      },
      atlas,
      sky,
    ),
    { x: 0.75, y: 0, exact: false },
  );
  const unknown = { instruments: { violin: 1 }, seed: 77 };
  assert.equal(placeOf(unknown, atlas, sky), null);
  assert.equal(placeOf({ morph: [a, unknown], at: 0.5 }, atlas, sky), null);
  assert.deepEqual(placeOf({ morph: [a, unknown], at: 0 }, atlas, sky), { x: 0, y: 0, exact: false });
});

test("values are read in units", () => {
  assert.equal(reading(1234, "Hz"), "1.23 kHz");
  assert.equal(reading(340.4, "Hz"), "340 Hz");
  assert.equal(reading(0.0351, "s"), "35 ms");
  assert.equal(reading(-12.34, "dB"), "−12.3 dB");
  assert.equal(reading(24, ""), "24");
});

test("a scale is even to the ear and not stretched by a few odd sounds", () => {
  const scale = scaleOf([...Array.from({ length: 97 }, (_, step) => 100 * 2 ** (step / 32)), 1, 1e6], true);
  assert.ok(Math.abs(scale.share(100 * 2 ** 1.5) - 0.5) < 0.05);
  assert.equal(scale.share(1e6), 1);
  assert.equal(scale.share(1), 0);
  assert.ok(Math.abs(Math.log2(scale.valueAt(0.5) / (100 * 2 ** 1.5))) < 0.1);
  assert.equal(scaleOf([5, 5, 5], true).share(5), 0.5);
});

test("dots are drawn where they are, in their colour, and neither beyond the rim nor into the next row", () => {
  const [width, height] = [20, 10];
  const draw = (places, shown, kind = 1, alpha = 1) => {
    const pixels = new Uint32Array(width * height);
    const stamp = createStamp(2, width);
    drawDots(pixels, width, height, {
      places: Float32Array.from(places),
      shown,
      kind,
      view: { scale: 10, x: 0, y: 0 },
      stamp,
      colours: [0, 1],
      palette: [0x0000ff, 0xff0000],
      alpha,
    });
    return pixels;
  };
  const pixels = draw([0.5, 0.5, 1.2, 0.5], [1, 1]);
  assert.equal(pixels[5 * width + 5], 0xff0000ff);
  assert.equal(pixels[5 * width + 12], 0xffff0000);
  assert.equal(pixels[5 * width + 9], 0);
  const area = pixels.reduce((sum, pixel) => sum + (pixel >>> 24) / 255, 0) / 2;
  assert.ok(Math.abs(area - Math.PI * 4) < 1.5, `${area} pixels`);
  assert.equal(draw([0.5, 0.5, 1.2, 0.5], [0, 1])[5 * width + 5], 0);
  assert.ok(draw([0.05, 0.5, 1.98, 0.5], [1, 1]).every((pixel) => pixel === 0));
  assert.ok(Math.abs((draw([0.5, 0.5], [1], 1, 0.5)[5 * width + 5] >>> 24) - 128) < 3);
});

test("an island is the middle of an instrument's points, the closest together first", () => {
  const islands = islandsOf(atlas, atlas.layouts.latent);
  assert.deepEqual(islands[0], { owner: 1, x: 0.5, y: 0.5, spread: 0 });
  assert.deepEqual(islands[1], { owner: 0, x: 0.5, y: 0, spread: 0.5 });
});
