// Thousands of round points drawn into the pixels of an image. A canvas takes 100 ms and more for 10,000 small drawings
// where no graphics card helps; this takes one or two.

const PHASES = 4; // places within a pixel, in each direction, that are told apart

// A dot of `radius` pixels as lists of pixels and coverage, for each phase, on an image `width` pixels wide.
export function createStamp(radius, width) {
  const reach = Math.ceil(radius + 1);
  const phases = [];
  for (let down = 0; down < PHASES; down++) {
    for (let right = 0; right < PHASES; right++) {
      const offsets = [];
      const cover = [];
      for (let y = -reach; y <= reach; y++) {
        for (let x = -reach; x <= reach; x++) {
          const away = Math.hypot(x + 0.5 - (right + 0.5) / PHASES, y + 0.5 - (down + 0.5) / PHASES);
          const share = Math.min(1, Math.max(0, radius + 0.5 - away));
          if (share > 0.02) {
            offsets.push(y * width + x);
            cover.push(Math.round(255 * share));
          }
        }
      }
      phases.push({ offsets: Int32Array.from(offsets), cover: Uint8Array.from(cover) });
    }
  }
  return { reach, phases };
}

// Draws dots into `pixels` (Uint32Array of width x height, red in the lowest byte, alpha not multiplied in): those points
// of `places` whose entry in `shown` is `kind`, under `view` in pixels. Point i has the colour palette[colours[i]] (0x00BBGGRR),
// and `alpha` (0 to 1) of it.
export function drawDots(pixels, width, height, { places, shown, kind, view, stamp, colours, palette, alpha }) {
  const { reach, phases } = stamp;
  const strength = Math.round(256 * alpha);
  for (let point = 0; point < shown.length; point++) {
    if (shown[point] !== kind) continue;
    const x = view.x + places[2 * point] * view.scale;
    const y = view.y + places[2 * point + 1] * view.scale;
    if (!(x >= reach && y >= reach && x < width - reach && y < height - reach)) continue;
    const column = Math.floor(x);
    const row = Math.floor(y);
    const { offsets, cover } = phases[Math.floor((y - row) * PHASES) * PHASES + Math.floor((x - column) * PHASES)];
    const colour = palette[colours[point]];
    const origin = row * width + column;
    for (let at = 0; at < offsets.length; at++) {
      const place = origin + offsets[at];
      const add = (cover[at] * strength) >> 8;
      const below = pixels[place];
      if (below === 0) pixels[place] = colour | (add << 24);
      else if (add === 255) pixels[place] = colour | 0xff000000;
      else pixels[place] = over(below, colour, add);
    }
  }
}

// `colour` laid over a pixel with alpha `add` of 255.
function over(below, colour, add) {
  const under = below >>> 24;
  const alpha = add + Math.round((under * (255 - add)) / 255);
  const share = alpha ? add / alpha : 0;
  const mixed = (shift) => {
    const old = (below >>> shift) & 255;
    return Math.round(old + (((colour >>> shift) & 255) - old) * share) << shift;
  };
  return mixed(0) | mixed(8) | mixed(16) | (alpha << 24);
}
