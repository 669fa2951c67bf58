import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { loadGoldenCase } from '../../src/eval/goldenCase.js';
import { checkGoldenCase } from '../../src/eval/goldenCheck.js';
import { type Device, openDevice } from '../../src/tensor/device.js';

declare module 'vitest' {
  interface ProvidedContext {
    /** By vitest.browser.config.ts. */
    goldenCases: string[];
  }
}

let device: Device;
beforeAll(async () => {
  device = await openDevice();
});
afterAll(() => device.close());

it('runs on the WebGPU of the browser', () => {
  expect(device.adapter.kind).toBe('browser');
});

it.each(inject('goldenCases'))('gives the results of the reference implementation: %s', async (name) => {
  const found = await checkGoldenCase(device, await loadGoldenCase(`test/golden/${name}.safetensors`));
  expect(found.length).toBeGreaterThan(0);
  expect(found.filter(({ passed }) => !passed)).toEqual([]);
});
