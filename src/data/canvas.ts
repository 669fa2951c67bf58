import type { Random } from '../tensor/random.js';

/** A canvas of [height, width, 3] floats in 0 … 255. */
export interface Canvas {
  values: Float32Array;
  width: number;
  height: number;
}

/** A shape on the canvas: negative inside, about the distance to its edge in pixels. */
export type Distance = (x: number, y: number) => number;

/** A pale ground: a slope of brightness and three gratings of random direction and period. Returns the mean colour. */
export function drawGround({ values, width, height }: Canvas, random: Random): number[] {
  const grey = random.uniform(70, 180);
  const colour = [0, 1, 2].map(() => grey + random.uniform(-25, 25));
  const slopeX = random.uniform(-30, 30) / width;
  const slopeY = random.uniform(-30, 30) / height;
  const gratings = [0, 1, 2].map(() => {
    const direction = random.uniform(0, 2 * Math.PI);
    const frequency = (2 * Math.PI) / random.uniform(6, 60); // radians a pixel
    const strength = random.uniform(2, 12);
    return [Math.cos(direction) * frequency, Math.sin(direction) * frequency, random.uniform(0, 6.28), strength];
  });
  const [[ax, ay, a0, a1], [bx, by, b0, b1], [cx, cy, c0, c1]] = gratings;
  for (let y = 0, at = 0; y < height; y++)
    for (let x = 0; x < width; x++, at += 3) {
      const texture =
        a1 * Math.sin(ax * x + ay * y + a0) + b1 * Math.sin(bx * x + by * y + b0) + c1 * Math.sin(cx * x + cy * y + c0);
      const shade = texture + slopeX * (x - width / 2) + slopeY * (y - height / 2);
      values[at] = colour[0] + shade;
      values[at + 1] = colour[1] + shade;
      values[at + 2] = colour[2] + shade;
    }
  return colour;
}

/**
 * Draws a shape whose edge is sharp on one side and fades on the opposite one, inward more than outward.
 * The part of the fading outside the true edge is drawn, too, so that the image does not show where the edge is.
 */
export function drawObject(
  { values, width, height }: Canvas,
  distance: Distance,
  [centreX, centreY]: number[],
  [left, top, right, bottom]: number[],
  { ground, tint }: { ground: number[]; tint: number[] },
  random: Random,
): void {
  const colour = contrasting(ground, 28, (c) => tint[c] + random.uniform(-55, 55));
  const opacity = random.uniform(0.7, 1);
  const shading = random.uniform(-25, 25);
  const size = Math.min(right - left, bottom - top);
  const softness = random.next() < 0.3 ? 0 : random.uniform(0.1, 0.35) * Math.min(size, 36);
  const outward = random.uniform(0.1, 0.6);
  const direction = random.uniform(0, 2 * Math.PI);
  const [fadeX, fadeY] = [Math.cos(direction), Math.sin(direction)];
  const margin = 1 + softness * outward;

  const lastX = Math.min(width, Math.ceil(right + margin));
  const lastY = Math.min(height, Math.ceil(bottom + margin));
  for (let y = Math.max(0, Math.floor(top - margin)); y < lastY; y++)
    for (let x = Math.max(0, Math.floor(left - margin)); x < lastX; x++) {
      const d = distance(x + 0.5, y + 0.5);
      if (d > margin) continue;
      const dx = x + 0.5 - centreX;
      const dy = y + 0.5 - centreY;
      const toward = (fadeX * dx + fadeY * dy) / (Math.hypot(dx, dy) + 1e-6);
      const soft = softness * 0.5 * (1 + toward);
      const inner = 0.5 + soft;
      const outer = 0.5 + soft * outward;
      const t = Math.min(Math.max((outer - d) / (inner + outer), 0), 1);
      const alpha = opacity * t * t * (3 - 2 * t);
      const shade = (shading * dx) / size;
      const at = 3 * (y * width + x);
      for (let c = 0; c < 3; c++) values[at + c] += alpha * (colour[c] + shade - values[at + c]);
    }
}

/** Draws a bar with slanting stripes over a box: it hides what is there and belongs to no class. */
export function drawBar({ values, width, height }: Canvas, bar: number[], ground: number[], random: Random): void {
  const colour = contrasting(ground, 15, () => random.uniform(20, 235));
  const [left, top] = [Math.max(0, Math.round(bar[0])), Math.max(0, Math.round(bar[1]))];
  const [right, bottom] = [Math.min(width, Math.round(bar[2])), Math.min(height, Math.round(bar[3]))];
  for (let y = top; y < bottom; y++)
    for (let x = left; x < right; x++) {
      const stripe = (x + y) % 6 < 3 ? 18 : -18;
      const at = 3 * (y * width + x);
      for (let c = 0; c < 3; c++) values[at + c] = colour[c] + stripe;
    }
}

/** The drawn colour, or one near `from` where the two are closer than `least`, averaged over the channels. */
function contrasting(from: number[], least: number, draw: (channel: number) => number): number[] {
  const colour = from.map((_, channel) => draw(channel));
  const distance = colour.reduce((sum, value, c) => sum + Math.abs(value - from[c]), 0) / 3;
  if (distance >= least) return colour;
  return from.map((value) => (value < 127 ? value + least : value - least));
}

/** Noise that the channels share in part, as a camera's does; rounds to bytes. */
export function addNoise({ values }: Canvas, random: Random): Uint8Array {
  const strength = random.uniform(5, 22);
  const pixels = new Uint8ClampedArray(values.length);
  for (let at = 0; at < values.length; at += 3) {
    const shared = strength * (random.next() + random.next() - 1);
    const single = 0.7 * strength * (random.next() - 0.5);
    pixels[at] = values[at] + shared + single;
    pixels[at + 1] = values[at + 1] + shared - single;
    pixels[at + 2] = values[at + 2] + shared + single;
  }
  return new Uint8Array(pixels.buffer);
}
