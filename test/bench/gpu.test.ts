import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { formatGpu, measureGpu } from '../../bench/gpu.js';
import * as devices from '../../src/tensor/device.js';
import { sharedDevice } from '../device.js';

beforeAll(() => void vi.spyOn(devices, 'openDevice').mockImplementation(sharedDevice));
afterAll(() => void vi.restoreAllMocks());

test('one run has golden cases, choices, peaks and shares of them', async () => {
  const said: string[] = [];
  const report = await measureGpu('auto', (text) => said.push(text), {
    rows: ['group-norm', 'conv1x1-64-forward'],
    golden: ['one-class.safetensors'],
    tune: false,
  });
  expect(report).toMatchObject({ command: 'npm run bench:gpu', verify: { passed: ['one-class'], failed: [] } });
  const { peaks, shares, rows } = JSON.parse(JSON.stringify(report)) as typeof report;
  expect(peaks.gigaflops).toBeGreaterThan(0);
  expect(peaks.gigabytesPerSecond).toBeGreaterThan(0);
  const [norm, convolution] = ['group-norm', 'conv1x1-64-forward'].map(
    (name) => rows.find((row) => row.name === name)!,
  );
  expect(shares['group-norm']).toEqual({ compute: null, copy: norm.gigabytesPerSecond! / peaks.gigabytesPerSecond });
  expect(shares['conv1x1-64-forward'].compute).toBe(convolution.gigaflops! / peaks.gigaflops);
  const text = formatGpu(report);
  expect(text).toContain('Golden cases: 1 passed, 0 failed.');
  expect(text).toMatch(/^group-norm +– +\d+ %$/m);
  expect(said).toContain('peaks');
});
