import { afterAll, beforeAll, expect, it } from 'vitest';
import { loadGoldenCase } from '../../src/eval/goldenCase.js';
import { checkGoldenCase } from '../../src/eval/goldenCheck.js';
import { type Device, openDevice } from '../../src/tensor/device.js';

const CASES = [
  'assign-crowded',
  'assign-ignored-regions',
  'big-logits',
  'imitation-gibox',
  'one-class',
  'small-bins',
  'temperature-1',
];

let device: Device;
beforeAll(async () => {
  device = await openDevice();
});
afterAll(() => device.close());

it('runs on the WebGPU of the browser', () => {
  expect(device.adapter.kind).toBe('browser');
});

it.each(CASES)('gives the results of the reference implementation: %s', async (name) => {
  const found = await checkGoldenCase(device, await loadGoldenCase(`test/golden/${name}.safetensors`));
  expect(found.length).toBeGreaterThan(0);
  expect(found.filter(({ passed }) => !passed)).toEqual([]);
});
