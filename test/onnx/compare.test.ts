import { expect, test } from 'vitest';
import { Loader } from '../../src/data/loader.js';
import { shapesDataset } from '../../src/data/shapes.js';
import { inputKey } from '../../src/onnx/alternatives.js';
import { compareAlternatives } from '../../src/onnx/compare.js';
import { judge } from '../../src/onnx/judge.js';
import type { OnnxMapping } from '../../src/onnx/mapping.js';
import type { Chunk } from '../../src/onnx/placement.js';
import { InputError } from '../../src/util/error.js';

const SIZE = { width: 64, height: 64 };
const BINS = 9;
const RIGHT: OnnxMapping = {
  input: { order: 'bgr', white: 255, mean: [103.53, 116.28, 123.675], deviation: [57.375, 57.12, 58.395] },
  strides: [8, 16, 32],
  bins: BINS,
  centreOffset: 0.5,
  scores: 'probabilities',
  tensors: [{ tensor: 'out', axes: 'BAC', strides: [8, 16, 32], channels: ['classes', 'boxes'] }],
  classes: ['ellipse', 'rectangle', 'triangle'],
};
const AREAS = RIGHT.strides.map((stride) => (64 / stride) ** 2);
const WIDTH = 3 + 4 * BINS;
const source = shapesDataset({ count: 12, ...SIZE, seed: 3 });
/** One batch: of more, most inputs would see a part. */
const options = { source, count: 5, ...SIZE };

/** What an image of the loader is recognised by. */
const keyOf = (image: Float32Array) => image.subarray(0, 3000).reduce((sum, value, i) => sum + value * Math.sin(i), 0);

/** What a perfect model says of every image, [locations, classes + 4 · bins]. */
const answers = new Map<number, Float32Array>();
const loader = new Loader(source, { batch: 1, ...SIZE, seed: 0, augment: false, shuffle: false, dropLast: false });
for await (const { images, boxes, labels } of loader.batches(0)) {
  const answer = new Float32Array(AREAS.reduce((a, b) => a + b) * WIDTH).fill(0.001);
  labels.forEach((label, i) => {
    const [x1, y1, x2, y2] = boxes.subarray(4 * i, 4 * i + 4);
    const level = RIGHT.strides.findIndex((stride) => Math.max(x2 - x1, y2 - y1) < 7 * stride);
    const stride = RIGHT.strides[level];
    const [column, row] = [(x1 + x2) / 2, (y1 + y2) / 2].map((middle) => Math.floor(middle / stride));
    const start = AREAS.slice(0, level).reduce((a, b) => a + b, 0);
    const at = WIDTH * (start + row * (64 / stride) + column);
    answer[at + label] = 0.9;
    const [x, y] = [column + 0.5, row + 0.5];
    const distances = [x - x1 / stride, y - y1 / stride, x2 / stride - x, y2 / stride - y];
    for (const [edge, distance] of distances.entries()) {
      for (let bin = 0; bin < BINS; bin++) {
        const probability = Math.max(0, 1 - Math.abs(distance - bin));
        answer[at + 3 + edge * BINS + bin] = Math.log(Math.max(probability, 1e-30));
      }
    }
  });
  answers.set(keyOf(images), answer);
}

/** A model that sees nothing unless its input is right. `told` may change what it says. */
function net(told: (answer: Float32Array) => Float32Array = (answer) => answer) {
  const runs: string[] = [];
  const compute = async (images: Float32Array, batch: number, input: OnnxMapping['input']): Promise<Chunk[]> => {
    const data = new Float32Array(batch * AREAS.reduce((a, b) => a + b) * WIDTH).fill(0.001);
    for (let i = 0; i < batch; i++) {
      runs.push(inputKey(input));
      const answer = answers.get(keyOf(images.subarray(i * 3 * 64 * 64, (i + 1) * 3 * 64 * 64)))!;
      if (inputKey(input) === inputKey(RIGHT.input)) data.set(answer, i * answer.length);
    }
    const dims = [batch, AREAS.reduce((a, b) => a + b), WIDTH];
    return [{ first: 0, tensors: new Map([['out', { data: told(data), dims }]]) }];
  };
  return { compute, runs };
}

test('a perfect model has an AP of 1 under the right mapping', async () => {
  const [right, half] = await judge(net(), [RIGHT, { ...RIGHT, centreOffset: 0 }], options);
  if (right instanceof InputError || half instanceof InputError) throw new Error('refused');
  expect(right.averagePrecision.stats[0]).toBeCloseTo(1, 5);
  expect(right.images).toBe(5);
  expect(half.averagePrecision.stats[0]).toBeLessThan(0.8);
});

test('boxes of the wrong classes are right where all classes are one', async () => {
  const renamed = { ...RIGHT, classes: ['rectangle', 'triangle', 'ellipse'] };
  const [found] = await judge(net(), [renamed], options);
  if (found instanceof InputError) throw found;
  expect(found.averagePrecision.stats[0]).toBeLessThan(0.2);
  expect(found.anyClass()).toBeGreaterThan(0.9);
});

test('a class that the model does not know does not count', async () => {
  const partial = { ...RIGHT, classMap: { triangle: null } };
  const [found] = await judge(net(), [partial], options);
  if (found instanceof InputError) throw found;
  expect(found.averagePrecision.stats[0]).toBeCloseTo(1, 5);
  expect(Object.keys(found.averagePrecision.perClass)).toEqual(['ellipse', 'rectangle']);
});

const rgb = { ...RIGHT.input, order: 'rgb' } as const;
test.each<[string, Partial<OnnxMapping>, object]>([
  ['the right one', {}, {}],
  ['the centre', { centreOffset: 0 }, { centreOffset: 0.5 }],
  [
    'the colours with mean and deviation',
    { input: { ...rgb, mean: [123.675, 116.28, 103.53], deviation: [58.395, 57.12, 57.375] } },
    { 'input.order': 'bgr', 'input.mean': RIGHT.input.mean, 'input.deviation': RIGHT.input.deviation },
  ],
  ['white', { input: { ...RIGHT.input, white: 1 } }, { 'input.white': 255 }],
  ['the levels', { tensors: [{ ...RIGHT.tensors[0], strides: [32, 16, 8] }] }, { 'tensors.strides': [8, 16, 32] }],
  ['centre and scores', { centreOffset: 0, scores: 'logits' }, { centreOffset: 0.5, scores: 'probabilities' }],
  [
    'centre, colours and parts',
    { centreOffset: 0, input: rgb, tensors: [{ ...RIGHT.tensors[0], channels: ['boxes', 'classes'] }] },
    { centreOffset: 0.5, 'input.order': 'bgr', 'tensors.channels': ['classes', 'boxes'] },
  ],
])('a mapping that has %s wrong is put right', async (_, wrong, changes) => {
  const { given, best, trials } = await compareAlternatives(net(), { ...RIGHT, ...wrong }, options);
  expect(best.changes).toEqual(changes);
  expect(best.AP).toBeCloseTo(1, 5);
  expect(given.changes).toEqual({});
  if (Object.keys(changes).length > 0) expect(given.AP).toBeLessThan(0.8);
  if ('scores' in wrong) expect(given.fault).toMatch(/so they are probabilities/);
  expect(trials[0].AP).toBe(best.AP);
  expect(trials).toContain(given);
});

test('the model runs once for each input and image, and not to the end where an input comes to nothing', async () => {
  const model = net();
  const progress: [number, number][] = [];
  const onProgress = (done: number, of: number) => void progress.push([done, of]);
  const { tried } = await compareAlternatives(model, RIGHT, { ...options, count: 12, onProgress });
  const inputs = new Set(model.runs);
  const count = (key: string) => model.runs.filter((run) => run === key).length;
  expect(count(inputKey(RIGHT.input))).toBe(12);
  for (const key of inputs) if (key !== inputKey(RIGHT.input)) expect(count(key)).toBe(8);
  expect(inputs.size).toBeGreaterThan(8);
  expect(tried).toBe(inputs.size * 2 * 2 * 4);
  expect(progress.at(-1)).toEqual([model.runs.length, model.runs.length]);
});

test('a model whose outputs no mapping makes sense of is refused as it is given', async () => {
  const broken = net((answer) => answer.fill(Number.NaN));
  await expect(compareAlternatives(broken, RIGHT, options)).rejects.toThrow(/out is NaN for image \d+ at stride 8/);
});
