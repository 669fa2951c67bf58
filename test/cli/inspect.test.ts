import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { nanodetLike, yoloLike } from '../onnx/graph/models.js';
import { edgewise } from './cli.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'edgewise-inspect-'));
  await writeFile(join(folder, 'nanodet.onnx'), nanodetLike().model);
  await writeFile(join(folder, 'yolo.onnx'), yoloLike().model);
});
afterAll(() => rm(folder, { recursive: true }));

test('inspect shows what a model is made of', async () => {
  const { code, stdout, stderr } = await edgewise(['inspect', join(folder, 'nanodet.onnx')]);
  expect([code, stderr]).toEqual([0, '']);
  expect(stdout).toMatch(/^inputs: {4}images \[1, 3, 16, 16\]$/m);
  expect(stdout).toMatch(/^outputs: {3}scores \[1, 16, 2\], distances \[1, 16, 4\]$/m);
  expect(stdout).toMatch(/^Conv +7$/m);
  expect(stdout).toMatch(/It can be trained\.\n$/);
});

test('inspect says what stands in the way, and where to cut', async () => {
  const file = join(folder, 'yolo.onnx');
  const whole = await edgewise(['inspect', file, '--json']);
  expect(whole.code).toBe(0);
  expect(JSON.parse(whole.stdout).faults).toEqual([expect.stringMatching(/operator TopK.*so it can be cut off/)]);
  const cut = await edgewise(['inspect', file, '--outputs', 'map', '--batch', '2']);
  expect(cut.stdout).toMatch(/^outputs: {3}map \[2, 19, 8, 8\]$/m);
  expect(cut.stdout).toMatch(/It can be trained\.\n$/);
  const wrong = await edgewise(['inspect', file, '--outputs', 'nap']);
  expect([wrong.code, wrong.stderr]).toEqual([
    1,
    expect.stringMatching(/has no tensor nap; its outputs are map, best\.0/),
  ]);
});
