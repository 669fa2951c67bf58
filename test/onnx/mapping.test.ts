import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { checkMapping, mapClasses, type OnnxMapping } from '../../src/onnx/mapping.js';

const MAPPING: OnnxMapping = {
  input: { order: 'rgb', white: 1, mean: [0, 0, 0], deviation: [1, 1, 1] },
  strides: [8, 16],
  bins: 16,
  centreOffset: 0.5,
  scores: 'logits',
  tensors: [
    { tensor: 'boxes', axes: 'BCA', strides: [8, 16], channels: ['boxes'] },
    { tensor: 'fine', axes: 'BCHW', strides: [8], channels: ['classes'] },
    { tensor: 'coarse', axes: 'BCHW', strides: [16], channels: ['classes'] },
  ],
  classes: ['cat', 'dog', 'cow'],
};

test.each([
  ['an unknown field', { ...MAPPING, stride: 8 }, /unknown field stride/],
  ['a missing field', { ...MAPPING, input: { order: 'rgb', white: 1, mean: [0, 0, 0] } }, /input.deviation is missing/],
  ['another order', { ...MAPPING, input: { ...MAPPING.input, order: 'grb' } }, /input.order is "grb".*rgb, bgr/],
  ['a deviation of 0', { ...MAPPING, input: { ...MAPPING.input, deviation: [1, 0, 1] } }, /input.deviation.1 is 0/],
  ['no tensors', { ...MAPPING, tensors: [] }, /tensors is \[\]/],
  ['a level without boxes', { ...MAPPING, strides: [8, 16, 32] }, /no tensor holds the classes of stride 32/],
  ['a level too many', { ...MAPPING, strides: [8] }, /holds stride 16, which strides \(8\) lacks/],
  ['a level twice', { ...MAPPING, tensors: [...MAPPING.tensors, MAPPING.tensors[1]] }, /two tensors .* stride 8/],
  [
    'a map of two levels',
    { ...MAPPING, tensors: [{ ...MAPPING.tensors[0], axes: 'BHWC' }, ...MAPPING.tensors.slice(1)] },
    /boxes has the axes BHWC, one map, but 2 strides/,
  ],
  ['no object', [MAPPING], /must be object/],
])('%s is refused', (_, mapping, message) => {
  expect(() => checkMapping(mapping, 'm.json')).toThrow(message);
  expect(() => checkMapping(mapping, 'm.json')).toThrow(/^m\.json: /);
});

test('classes are found by name, by index, by the map, or not at all', () => {
  expect(mapClasses(MAPPING, ['dog', 'cow'])).toEqual([1, 2]);
  expect(mapClasses({ ...MAPPING, classMap: { hound: 'dog', ox: 2, fish: null } }, ['fish', 'hound', 'ox'])).toEqual([
    null,
    1,
    2,
  ]);
  expect(mapClasses({ ...MAPPING, classes: 80, classMap: { person: 0 } }, ['person'])).toEqual([0]);
});

test.each([
  ['a class without counterpart', ['dog', 'fish'], {}, /no class for fish; its classes are cat, dog, cow/],
  ['a name that the model has not', ['dog'], { dog: 'hound' }, /no class for dog/],
  ['an index beyond', ['dog'], { dog: 3 }, /index 3; the model has 3 classes/],
  ['two of one', ['dog', 'hound'], { hound: 'dog' }, /two classes of the data map to class 1/],
  ['an entry for no class', ['dog'], { cat: 1 }, /the data have no class cat; they have dog/],
  ['a model that knows none', ['fish'], { fish: null }, /knows none of the classes/],
])('%s is refused', (_, names, classMap, message) => {
  expect(() => mapClasses({ ...MAPPING, classMap }, names)).toThrow(message);
});

test('the mapping files of the documentation are right', async () => {
  const text = await readFile('docs/onnx.md', 'utf8');
  const blocks = [...text.matchAll(/```json\n(.*?)```/gs)].map(([, block]) => JSON.parse(block));
  const mappings = blocks.filter((block) => 'tensors' in block);
  expect(mappings).toHaveLength(4);
  for (const mapping of mappings) checkMapping(mapping);
});
