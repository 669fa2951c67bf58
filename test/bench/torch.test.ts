import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { writeHeadCase } from './peerCases.js';

const python = (...given: string[]) => spawnSync('python3', given, { encoding: 'utf8' });
const hasTorch = python('-c', 'import torch').status === 0;

const check = (files: readonly string[]) => python('bench/peers/torch_losses.py', '--check', ...files);
const goldenCases = (folder: string) =>
  readdirSync(folder)
    .filter((name) => name.endsWith('.safetensors'))
    .map((name) => `${folder}/${name}`);

test.skipIf(!hasTorch)('regions, terms and gradients of the golden cases', () => {
  const cases = goldenCases('test/golden');
  const { status, stderr } = check(cases);
  expect(status, stderr).toBe(0);
  expect(stderr.match(/agrees/g)?.length).toBe(cases.length - 1); // one has regions to ignore, which the script leaves out
});

test.skipIf(!hasTorch)("assignments, terms and gradients of other heads' golden cases", () => {
  const cases = goldenCases('test/golden/heads');
  const { status, stderr } = check(cases);
  expect(status, stderr).toBe(0);
  expect(stderr.match(/agrees/g)?.length).toBe(cases.length - 1); // one has overlaps of all pairs
});

test.skipIf(!hasTorch)("the same of edgewise's other heads with LD", async () => {
  const folder = mkdtempSync(join(tmpdir(), 'edgewise-torch-'));
  try {
    const files = ['yolov8+ld', 'nanodet-plus+ld'].map((recipe) => ({ recipe, file: join(folder, recipe) }));
    for (const { file, recipe } of files) await writeHeadCase(file, recipe);
    const { status, stderr } = check(files.map(({ file }) => file));
    expect(status, stderr).toBe(0);
    expect(stderr.match(/agrees/g)?.length).toBe(files.length);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
