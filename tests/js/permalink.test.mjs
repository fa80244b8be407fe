import assert from "node:assert/strict";
import test from "node:test";
import { deflateRawSync, inflateRawSync } from "node:zlib";
import { isLink, readLink, writeLink } from "../../webapp/static/document/permalink.js";
import { shared } from "./shared.mjs";

const model = {
  shared,
  id: "sines",
  digest: "0123456789abcdef",
  latentSize: 8,
  sliderLimit: 3,
  rawLimit: 4,
  directions: [{ name: "bright" }],
  families: [{ title: "Strings", instruments: [{ name: "violin" }, { name: "cello" }] }],
};
const violin = { instruments: { violin: 1 }, seed: 7 };
const cello = { instruments: { cello: 1 }, seed: 2, sliders: { bright: 1.5 }, raw: { 3: -2 } };
const place = { name: "Dusk ♯1", note: 57, patch: { attack: 0.2 } };

// A link whose content a test decides.
const forged = (content) =>
  `#s=${deflateRawSync(Buffer.from(typeof content === "string" ? content : JSON.stringify(content))).toString("base64url")}`;
const content = async (sound = violin) =>
  JSON.parse(inflateRawSync(Buffer.from((await writeLink({ sound, ...place }, model)).slice(2), "base64url")));

test("a link brings back every kind of sound with its name, note and envelope", async () => {
  const sounds = [
    violin,
    cello,
    { z: "A".repeat(43), instruments: { cello: 0.25, violin: 0.75 } },
    { morph: [violin, cello], at: 0.3, sliders: { bright: -1 } },
    {
      blend: [
        [violin, 0.5],
        [{ morph: [cello, violin], at: 0.5 }, 0.25],
      ],
    },
  ];
  for (const sound of sounds) {
    const fragment = await writeLink({ sound, ...place }, model);
    assert.match(fragment, /^s=[\w-]+$/);
    assert.ok(isLink(`#${fragment}`));
    assert.deepEqual(await readLink(`#${fragment}`, model), { sound, ...place });
  }
});

test("other fragments are no links", () => {
  for (const fragment of ["", "#", "#top", "#sound=1"]) assert.ok(!isLink(fragment));
});

test("links of other models, other versions of the model and newer studios are refused in words", async () => {
  const fragment = `#${await writeLink({ sound: violin, ...place }, model)}`;
  await assert.rejects(
    readLink(fragment, { ...model, id: "voices" }),
    /belongs to the model 'sines', not to 'voices'\.$/,
  );
  await assert.rejects(readLink(fragment, { ...model, digest: "ffff" }), /another version of 'sines'/);
  await assert.rejects(readLink(forged({ ...(await content()), format: 2 }), model), /newer version/);
});

test("garbage is refused in words, and a small text cannot unfold into an endless one", async () => {
  const good = await content();
  const bad = [
    "#s=",
    "#s=%%%",
    "#s=AAAA",
    `#s=${"A".repeat(70_000)}`,
    forged("no JSON"),
    forged("null"),
    forged({}),
    forged({ ...good, sound: 7 }),
    forged({ ...good, sound: { instruments: { theremin: 1 }, seed: 1 } }),
    forged({ ...good, sound: { z: "AAAA", instruments: {} } }),
    forged(`"${"x".repeat(3_000_000)}"`),
  ];
  for (const fragment of bad)
    await assert.rejects(readLink(fragment, model), /^Error: This link is damaged/, fragment.slice(0, 40));
});
