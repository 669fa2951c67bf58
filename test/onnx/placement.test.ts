import { expect, test } from 'vitest';
import type { OnnxMapping } from '../../src/onnx/mapping.js';
import { type Chunk, Placement } from '../../src/onnx/placement.js';
import { InputError } from '../../src/util/error.js';

// 16×8 pixels: 2 cells at stride 8, 1 at stride 16. Per location: 2 classes, then 4 · 2 bins.
const MAPPING: OnnxMapping = {
  input: { order: 'rgb', white: 1, mean: [0, 0, 0], deviation: [1, 1, 1] },
  strides: [8, 16],
  bins: 2,
  centreOffset: 0,
  scores: 'logits',
  tensors: [{ tensor: 'out', axes: 'BAC', strides: [8, 16], channels: ['classes', 'boxes'] }],
  classes: ['a', 'b'],
};
const WIDTH = 10;

/** Two images with class scores that take turns, box logits of −2; one value may be another. */
function chunksOf(scores: readonly number[], at?: number, value?: number): Chunk[] {
  const data = Float32Array.from({ length: 2 * 3 * WIDTH }, (_, i) =>
    i % WIDTH < 2 ? scores[(i + Math.floor(i / WIDTH)) % scores.length] : -2,
  );
  if (at !== undefined && value !== undefined) data[at] = value;
  return [{ first: 0, tensors: new Map([['out', { data, dims: [2, 3, WIDTH] }]]) }];
}

const fill = (chunks: Chunk[], change: Partial<OnnxMapping> = {}) =>
  new Placement({ ...MAPPING, ...change }, ['a', 'b'], { width: 16, height: 8 }).fill(chunks, 2, [70, 90]);

test('logits and probabilities are taken as what they are called', () => {
  expect([...fill(chunksOf([-3, 0.5])).classLogits].slice(0, 2)).toEqual([-3, 0.5]);
  const logits = fill(chunksOf([0.25, 0.5]), { scores: 'probabilities' }).classLogits;
  expect(logits[0]).toBeCloseTo(Math.log(1 / 3), 5);
  // What 16 bits or a quantised sigmoid makes of 0 and 1.
  expect(fill(chunksOf([-0.0005, 1.0005]), { scores: 'probabilities' }).classLogits[0]).toBeCloseTo(-13.8, 1);
});

test.each<[readonly number[], OnnxMapping['scores'], RegExp]>([
  [[-3, 0.5], 'probabilities', /out: the scores go from -3 to 0\.5, so they are no prob.*Set "scores": "logits"/],
  [[0.5, 1.5], 'probabilities', /out: the scores go from 0\.5 to 1\.5, so they are no probabilities/],
  [[0.01, 0.9], 'logits', /out: all scores are from 0\.01 to 0\.9, so they are prob.*Set "scores": "probabilities"/],
  [[0, 1], 'logits', /out: all scores are from 0 to 1, so they are probabilities/],
])('scores of %j are not called %s', (scores, called, message) => {
  expect(() => fill(chunksOf(scores), { scores: called })).toThrow(message);
  expect(() => fill(chunksOf(scores), { scores: called })).toThrow(InputError);
});

test.each([
  // Second image, second location of stride 8, second class.
  [3 * WIDTH + WIDTH + 1, Number.NaN, /out is NaN for image 90 at stride 8, row 0, column 1, channel 1 of the classes/],
  // First image, stride 16, the sixth logit of the edges.
  [2 * WIDTH + 7, -Infinity, /out is -Infinity for image 70 at stride 16, row 0, column 0, channel 5 of the boxes/],
])('a value that is not finite is refused with tensor, image and place', (at, value, message) => {
  for (const scores of ['logits', 'probabilities'] as const) {
    expect(() => fill(chunksOf(scores === 'logits' ? [-1, 1] : [0.1], at, value), { scores })).toThrow(message);
  }
});

test('classes that the data do not have, and images beyond the batch, do not matter', () => {
  const chunks = chunksOf([-3, 0.5], 1, Number.NaN);
  const one = new Placement({ ...MAPPING, classes: ['a', 'x'] }, ['a'], { width: 16, height: 8 });
  expect(one.fill(chunks, 1).classLogits).toHaveLength(3);
  expect(() => fill(chunks)).toThrow(/NaN for image 70/);
});
