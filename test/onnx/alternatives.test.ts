import { expect, test } from 'vitest';
import { alternativesOf, distanceBetween, inputKey } from '../../src/onnx/alternatives.js';
import { checkMapping, type OnnxMapping } from '../../src/onnx/mapping.js';

const NANODET: OnnxMapping = {
  input: { order: 'bgr', white: 255, mean: [103.53, 116.28, 123.675], deviation: [57.375, 57.12, 58.395] },
  strides: [8, 16],
  bins: 8,
  centreOffset: 0.5,
  scores: 'probabilities',
  tensors: [{ tensor: 'out', axes: 'BAC', strides: [8, 16], channels: ['classes', 'boxes'] }],
  classes: ['a', 'b'],
};
const YOLO: OnnxMapping = {
  ...NANODET,
  input: { order: 'rgb', white: 1, mean: [0, 0, 0], deviation: [1, 1, 1] },
  scores: 'logits',
  tensors: [8, 16].map((stride) => ({
    tensor: `s${stride}`,
    axes: 'BCHW' as const,
    strides: [stride],
    channels: ['boxes', 'classes'] as const,
  })) as unknown as OnnxMapping['tensors'],
};

test.each([
  ['of one tensor', NANODET, 4],
  ['of a tensor a level', YOLO, 2],
])('the alternatives %s: the given one first, each once, all of them mappings', (_, given, layouts) => {
  const found = alternativesOf(given);
  expect(found[0]).toEqual({ mapping: given, changes: {} });
  for (const { mapping } of found) checkMapping(structuredClone(mapping));
  const keys = found.map(({ mapping: { input, ...rest } }) => JSON.stringify([inputKey(input), rest]));
  expect(new Set(keys).size).toBe(found.length);
  const inputs = new Set(found.map(({ mapping }) => inputKey(mapping.input)));
  expect(found).toHaveLength(inputs.size * layouts * 2 * 2);
});

test.each<[string, object]>([
  ['the corner', { centreOffset: 0 }],
  ['the other colours', { 'input.order': 'rgb' }],
  [
    'the other colours, mean and deviation with them',
    {
      'input.order': 'rgb',
      'input.mean': [123.675, 116.28, 103.53],
      'input.deviation': [58.395, 57.12, 57.375],
    },
  ],
  [
    'mean and deviation of the other order',
    {
      'input.mean': [123.675, 116.28, 103.53],
      'input.deviation': [58.395, 57.12, 57.375],
    },
  ],
  ['white 1', { 'input.white': 1 }],
  ['no mean', { 'input.mean': [0, 0, 0], 'input.deviation': [1, 1, 1] }],
  ['0 … 1', { 'input.white': 1, 'input.mean': [0, 0, 0], 'input.deviation': [1, 1, 1] }],
  ['−1 … 1', { 'input.white': 1, 'input.mean': [0.5, 0.5, 0.5], 'input.deviation': [0.5, 0.5, 0.5] }],
  ["Caffe's", { 'input.deviation': [1, 1, 1] }],
  ['logits', { scores: 'logits' }],
  ['coarse levels first', { 'tensors.strides': [16, 8] }],
  ['boxes first', { 'tensors.channels': ['boxes', 'classes'] }],
  ['several', { 'input.white': 1, centreOffset: 0, scores: 'logits', 'tensors.channels': ['boxes', 'classes'] }],
])('a NanoDet may be meant with %s', (_, changes) => {
  expect(alternativesOf(NANODET).map((one) => one.changes)).toContainEqual(changes);
});

test("ImageNet's mean and deviation are found in the mapping's own white", () => {
  const changes = alternativesOf(YOLO).map((one) => one.changes);
  const mean = [0.485, 0.456, 0.406];
  expect(changes).toContainEqual({ 'input.mean': mean, 'input.deviation': [0.229, 0.224, 0.225] });
  // The same numbers of 0 … 255, and those of a mapping that has them already, are no second alternative.
  const own = { ...YOLO, input: { ...YOLO.input, mean, deviation: [0.229, 0.224, 0.225] } as OnnxMapping['input'] };
  const same = alternativesOf(own).filter(({ mapping }) => inputKey(mapping.input) === inputKey(own.input));
  expect(new Set(same.map(({ mapping }) => JSON.stringify(mapping.input)))).toEqual(
    new Set([JSON.stringify(own.input)]),
  );
});

test('an unusual centre stays among the alternatives', () => {
  const offsets = alternativesOf({ ...YOLO, centreOffset: 0.25 }).map(({ mapping }) => mapping.centreOffset);
  expect(new Set(offsets)).toEqual(new Set([0.25, 0, 0.5]));
});

test('the distance counts respects; mean and deviation go with their colours', () => {
  const swapped: OnnxMapping['input'] = {
    order: 'rgb',
    white: 255,
    mean: [123.675, 116.28, 103.53],
    deviation: [58.395, 57.12, 57.375],
  };
  expect(distanceBetween(NANODET, NANODET)).toBe(0);
  expect(distanceBetween(NANODET, { ...NANODET, input: swapped })).toBe(1);
  expect(distanceBetween(NANODET, { ...NANODET, input: { ...NANODET.input, order: 'rgb' } })).toBe(2);
  expect(distanceBetween(NANODET, { ...NANODET, centreOffset: 0, scores: 'logits' })).toBe(2);
});
