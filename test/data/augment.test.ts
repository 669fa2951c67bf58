import fc from 'fast-check';
import { expect, test } from 'vitest';
import { augment, normalise } from '../../src/data/augment.js';
import type { Sample } from '../../src/data/source.js';
import { Random } from '../../src/tensor/random.js';

const MEAN = [123.675, 116.28, 103.53];
const DEVIATION = [58.395, 57.12, 57.375];
const STILL = { flip: 0, scale: [1, 1] as [number, number], shift: 0, colour: 0 };

function noise(width: number, height: number, seed = 1): Sample {
  const random = Random.of(seed);
  return {
    pixels: Uint8Array.from({ length: width * height * 3 }, () => random.integer(256)),
    ...{ width, height, boxes: new Float32Array(0), labels: new Int32Array(0), ignore: new Float32Array(0), id: 1 },
  };
}
const objects = (sample: Sample, boxes: number[][], ignore: number[][] = []): Sample => ({
  ...sample,
  boxes: Float32Array.from(boxes.flat()),
  labels: Int32Array.from(boxes, (_, i) => i),
  ignore: Float32Array.from(ignore.flat()),
});
const blank = (frame: { height: number; width: number }) => new Float32Array(3 * frame.height * frame.width).fill(99);
const worst = (a: Float32Array, b: ArrayLike<number>) =>
  a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i])), 0);

test('without augmentation the image lies at the top left, channel by channel, and the rest is 0', () => {
  const sample = objects(noise(5, 4), [[0, 1, 2, 3]], [[1, 1, 2, 2]]);
  const frame = { width: 7, height: 6 };
  const output = blank(frame);
  expect(normalise(sample, frame, output)).toEqual({
    boxes: sample.boxes,
    labels: sample.labels,
    ignore: sample.ignore,
  });
  const expected = [0, 1, 2].flatMap((c) =>
    Array.from({ length: 42 }, (_, i) => {
      const [x, y] = [i % 7, Math.floor(i / 7)];
      return x < 5 && y < 4 ? (sample.pixels[3 * (y * 5 + x) + c] - MEAN[c]) / DEVIATION[c] : 0;
    }),
  );
  expect(worst(output, expected)).toBeLessThan(1e-6);

  const still = blank(frame);
  augment(sample, Random.of(1), frame, still, STILL);
  expect(still).toEqual(output);
});

test('a flip mirrors pixels and boxes about the image, not about the frame', () => {
  const sample = objects(noise(6, 3), [[1, 0, 3, 2]], [[0, 0, 6, 3]]);
  const frame = { width: 8, height: 4 };
  const [plain, flipped] = [blank(frame), blank(frame)];
  normalise(sample, frame, plain);
  const { boxes, ignore } = augment(sample, Random.of(1), frame, flipped, { ...STILL, flip: 1 });
  expect(boxes).toEqual(Float32Array.of(3, 0, 5, 2));
  expect(ignore).toEqual(Float32Array.of(0, 0, 6, 3));
  const mirrored = plain.map((_, i) => (i % 8 < 6 ? plain[i - (i % 8) + 5 - (i % 8)] : 0));
  expect(worst(flipped, mirrored)).toBeLessThan(1e-5);
});

test('scaling samples bilinearly about the centre of the image', () => {
  const sizes = fc.record({ width: fc.integer({ min: 1, max: 12 }), height: fc.integer({ min: 1, max: 12 }) });
  fc.assert(
    fc.property(sizes, sizes, fc.double({ min: 0.5, max: 2, noNaN: true }), fc.boolean(), (size, more, scale, flip) => {
      const sample = noise(size.width, size.height);
      const frame = { width: size.width + more.width, height: size.height + more.height };
      const output = blank(frame);
      augment(sample, Random.of(3), frame, output, { ...STILL, scale: [scale, scale], flip: flip ? 1 : 0 });
      const expected = new Float64Array(output.length);
      const near = new Uint8Array(output.length); // on the border of the image rounding decides between a pixel and padding
      for (let y = 0; y < frame.height; y++)
        for (let x = 0; x < frame.width; x++) {
          let u = (x + 0.5 - size.width / 2) / scale + size.width / 2;
          const v = (y + 0.5 - size.height / 2) / scale + size.height / 2;
          if (flip) u = size.width - u;
          const border = Math.min(...[u, v, u - size.width, v - size.height].map(Math.abs));
          for (let c = 0; c < 3; c++) {
            const at = (c * frame.height + y) * frame.width + x;
            if (border < 1e-4) near[at] = 1;
            if (u < 0 || v < 0 || u > size.width || v > size.height) continue;
            const pixel = (px: number, py: number) => {
              const cx = Math.min(Math.max(px, 0), size.width - 1);
              const cy = Math.min(Math.max(py, 0), size.height - 1);
              return sample.pixels[3 * (cy * size.width + cx) + c];
            };
            const [x0, y0] = [Math.floor(u - 0.5), Math.floor(v - 0.5)];
            const [fx, fy] = [u - 0.5 - x0, v - 0.5 - y0];
            const top = pixel(x0, y0) * (1 - fx) + pixel(x0 + 1, y0) * fx;
            const bottom = pixel(x0, y0 + 1) * (1 - fx) + pixel(x0 + 1, y0 + 1) * fx;
            expected[at] = (top * (1 - fy) + bottom * fy - MEAN[c]) / DEVIATION[c];
          }
        }
      for (let i = 0; i < output.length; i++)
        // gl-matrix computes the map in float32: 1e-6 relative of a position, times up to 255 / 57 a pixel.
        if (!near[i]) expect(Math.abs(output[i] - expected[i])).toBeLessThan(1e-4);
    }),
  );
});

test('boxes follow the pixels: a bright rectangle stays inside its box and fills it', () => {
  fc.assert(
    fc.property(fc.integer(), (seed) => {
      const sample = objects(noise(64, 48), [[20, 12, 44, 36]]);
      sample.pixels.fill(0);
      for (let y = 12; y < 36; y++) sample.pixels.fill(255, 3 * (y * 64 + 20), 3 * (y * 64 + 44));
      const frame = { width: 72, height: 60 };
      const output = blank(frame);
      const { boxes } = augment(sample, Random.of(seed), frame, output, {
        ...{ flip: 0.5, scale: [0.8, 1.25], shift: 0.1, colour: 0 },
      });
      const [x1, y1, x2, y2] = boxes;
      for (let y = 0; y < frame.height; y++)
        for (let x = 0; x < frame.width; x++) {
          const value = output[y * frame.width + x];
          const inside = Math.min(x + 0.5 - x1, x2 - x - 0.5, y + 0.5 - y1, y2 - y - 0.5);
          // Bilinear sampling blurs the edge by half a pixel of the source each way: 0.625 at scale 1.25.
          if (inside > 0.65) expect(value).toBeCloseTo((255 - MEAN[0]) / DEVIATION[0], 4);
          if (inside < -0.65) expect(value).toBeLessThanOrEqual(0);
        }
    }),
    { numRuns: 30 },
  );
});

test('boxes are clipped; what is left too small or too little of an object is dropped with its label', () => {
  // Scale 2 about the centre (20, 20): x ↦ 2x − 20, so that 10 … 30 is what stays visible.
  const sample = objects(
    noise(40, 40),
    [
      [0, 0, 40, 40], // a quarter visible: kept, clipped to everything
      [0, 0, 20, 39], // 10·20 of 20·39 = 0.256
      [0, 0, 20, 41], // 10·20 of 20·41 = 0.244
      [0, 0, 10.8, 30], // 1.6 pixels wide
      [29, 15, 30, 25], // 2 pixels wide
      [32, 32, 38, 38], // outside
    ],
    [
      [0, 0, 12, 40], // a sixth of it visible: still to be ignored
      [0, 0, 9, 9],
    ],
  );
  const frame = { width: 40, height: 40 };
  const { boxes, labels, ignore } = augment(sample, Random.of(1), frame, blank(frame), { ...STILL, scale: [2, 2] });
  expect([...labels]).toEqual([0, 1, 4]);
  expect([...boxes]).toEqual([0, 0, 40, 40, 0, 0, 20, 40, 38, 10, 40, 30]);
  expect([...ignore]).toEqual([0, 0, 4, 40]);
});

test('colour changes brightness, contrast and saturation by at most their bound, and leaves the mean colour of padding', () => {
  const sample = noise(8, 8);
  const frame = { width: 10, height: 8 };
  fc.assert(
    fc.property(fc.integer(), (seed) => {
      const output = blank(frame);
      augment(sample, Random.of(seed), frame, output, { ...STILL, colour: 0.2 });
      const random = Random.of(seed);
      for (let i = 0; i < 4; i++) random.next();
      const [brightness, contrast, saturation] = [0, 1, 2].map(() => random.uniform(0.8, 1.2));
      for (let i = 0; i < 80; i++) {
        const [x, y] = [i % 10, Math.floor(i / 10)];
        const source = 3 * (y * 8 + x);
        const rgb = [0, 1, 2].map((c) => contrast * (brightness * sample.pixels[source + c] - MEAN[c]) + MEAN[c]);
        const grey = 0.299 * rgb[0] + 0.587 * rgb[1] + 0.114 * rgb[2];
        for (let c = 0; c < 3; c++) {
          const value = saturation * rgb[c] + (1 - saturation) * grey;
          expect(output[c * 80 + i]).toBeCloseTo(x < 8 ? (value - MEAN[c]) / DEVIATION[c] : 0, 4);
        }
      }
    }),
    { numRuns: 20 },
  );
});

test('the result is a function of the sample and the generator, which advances by the same count whatever is drawn', () => {
  const sample = objects(noise(20, 20), [[2, 2, 18, 18]]);
  const frame = { width: 20, height: 20 };
  const [a, b, c] = [blank(frame), blank(frame), blank(frame)];
  const [first, second] = [Random.of(5), Random.of(5)];
  expect(augment(sample, first, frame, a)).toEqual(augment(sample, second, frame, b));
  expect(a).toEqual(b);
  augment(sample, second, frame, c, STILL);
  augment(sample, first, frame, c);
  expect(first.next()).toBe(second.next());
});
