import { expect, test } from 'vitest';
import { completeChoices, defaultChoices, gpuChoices, possibleChoices, possibleValues } from '../../src/gpu/choices.js';

/** As much of a device as the choices look at. */
function device(subgroupMinSize: number | undefined, subgroupMaxSize: number | undefined, ...features: string[]) {
  return { adapterInfo: { subgroupMinSize, subgroupMaxSize }, features: new Set(features) } as unknown as GPUDevice;
}
const processor = device(4, 4, 'subgroups');
const gpu = device(32, 32, 'subgroups');
const plain = device(undefined, undefined);

test('defaults depend on lanes and subgroups', () => {
  const common = { 'stream.planes': 16, 'stream.turns': 2, 'bins.loops': 'unrolled' };
  const large = {
    'tile.workgroup': 64,
    'reduction.workgroup': 64,
    'weightGradient.invocations': 8192,
    'rows.workgroups': 1024,
    'depthwise.reads': 'quads',
    'convolution.kernel': 'tiles-64',
    'weightGradient.kernel': 'tiles',
    'lists.workgroups': 'objects',
    'terms.workgroups': 'sources',
    'norm.workgroups': 'pieces',
    ...common,
  };
  const small = {
    'tile.workgroup': 16,
    'reduction.workgroup': 8,
    'weightGradient.invocations': 1024,
    'rows.workgroups': 16,
    'depthwise.reads': 'numbers',
    'convolution.kernel': 'registers',
    'weightGradient.kernel': 'registers',
    'lists.workgroups': 'image',
    'terms.workgroups': 'levels',
    'norm.workgroups': 'group',
    ...common,
  };
  const subgroups = { 'convolution.weights': 'subgroups', 'weightGradient.incoming': 'subgroups' };
  const direct = { 'convolution.weights': 'direct', 'weightGradient.incoming': 'direct' };
  expect(defaultChoices(processor)).toEqual({ ...small, ...subgroups });
  expect(defaultChoices(gpu)).toEqual({ ...large, ...subgroups });
  expect(defaultChoices(plain)).toEqual({ ...large, ...direct });
  expect(gpuChoices(processor)).toEqual(defaultChoices(gpu));
  // Subgroups may shrink to less than the four lanes that the kernels pass values round in.
  expect(defaultChoices(device(1, 32, 'subgroups'))).toEqual({ ...large, ...direct });
});

test.each([processor, gpu, plain])('every default is among the possible values', (one) => {
  expect(possibleChoices(one, defaultChoices(one))).toEqual({ choices: defaultChoices(one), faults: [] });
});

test('a device without subgroups cannot run their variants', () => {
  expect(possibleValues(gpu, 'convolution.weights')).toEqual(['subgroups', 'direct']);
  expect(possibleValues(plain, 'convolution.weights')).toEqual(['direct']);
});

test('what it lacks for subgroup matrices is named', () => {
  const feature = 'chromium-experimental-subgroup-matrix';
  const config = { componentType: 'f16', resultComponentType: 'f32', M: 16, N: 16, K: 16 };
  const able = {
    adapterInfo: { subgroupMinSize: 32, subgroupMaxSize: 32, subgroupMatrixConfigs: [config] },
    features: new Set(['subgroups', 'shader-f16', feature]),
    limits: { maxComputeInvocationsPerWorkgroup: 256 },
  } as unknown as GPUDevice;
  for (const name of ['convolution.kernel', 'weightGradient.kernel'] as const) {
    expect(possibleValues(able, name)).toContain('matrices');
    expect(possibleValues(gpu, name)).not.toContain('matrices');
    expect(() => completeChoices(gpu, { [name]: 'matrices' })).toThrow(
      /kernel is "matrices", this device can run registers, .*; it has no chromium-experimental-subgroup-matrix of f32 or f16 with results of f32\./,
    );
  }
  // Never without a measurement.
  expect(defaultChoices(able)).toEqual(defaultChoices(gpu));
});

test('what is not given has its default; what cannot be run is named', () => {
  expect(completeChoices(gpu, { 'stream.turns': 8 })).toEqual({ ...defaultChoices(gpu), 'stream.turns': 8 });
  const fault = (given: object) => () => completeChoices(plain, given);
  expect(fault({ 'stream.turns': 3 })).toThrow(/choices: stream\.turns is 3, this device can run 1, 2, 4, 8\./);
  expect(fault({ toString: 1 })).toThrow(/choices: toString is none, there are tile\.workgroup, /);
  expect(fault({ 'convolution.weights': 'subgroups' })).toThrow(/"subgroups", this device can run direct/);
});
