import { readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { type GoldenCase, loadGoldenCase } from '../../src/eval/goldenCase.js';
import { checkGoldenCase } from '../../src/eval/goldenCheck.js';
import { sharedDevice } from '../device.js';

const FOLDER = 'test/golden';
const files = readdirSync(FOLDER).filter((name) => name.endsWith('.safetensors'));
const heads = readdirSync(`${FOLDER}/heads`).filter((name) => /^(tal|dsl)-/.test(name));
const distilled = readdirSync(`${FOLDER}/heads`).filter((name) => name.startsWith('bckd-'));
/** Of the largest value. Stricter than a case demands, for gradients far below 1 have no other bound than 2e-5. */
const RELATIVE = 2e-5;

const device = await sharedDevice();

test.each(files)('this adapter gives what the reference implementation gave: %s', async (file) => {
  const found = await checkGoldenCase(device, await loadGoldenCase(`${FOLDER}/${file}`));
  expect(found.filter(({ passed, relative }) => !passed || relative > RELATIVE)).toEqual([]);
  const names = new Set(found.map(({ name }) => name.replace(/\.\d+$/, '')));
  for (const name of ['label', 'weight', 'box', 'vlr', 'imitation']) expect(names).toContain(name);
  if (file.startsWith('assign-')) return;
  for (const name of ['loss_cls', 'loss_im', 'total', 'grad.cls', 'grad.reg']) expect(names).toContain(name);
});

test.each(heads)("this adapter gives what another head's code gave: %s", async (file) => {
  const found = await checkGoldenCase(device, await loadGoldenCase(`${FOLDER}/heads/${file}`));
  expect(found.filter(({ passed }) => !passed)).toEqual([]);
  const names = new Set(found.map(({ name }) => name.replace(/\.\d+$/, '')));
  for (const name of ['label', 'box', 'score', 'loss_cls', 'loss_bbox', 'loss_dfl', 'total', 'grad.cls', 'grad.reg']) {
    expect(names).toContain(name);
  }
});

test.each(distilled)("this adapter gives what another distillation's code gave: %s", async (file) => {
  const found = await checkGoldenCase(device, await loadGoldenCase(`${FOLDER}/heads/${file}`));
  expect(found.filter(({ passed, relative }) => !passed || relative > RELATIVE)).toEqual([]);
  const names = new Set(found.map(({ name }) => name.replace(/\.\d+$/, '')));
  expect([...names]).toEqual(['loss_kd', 'loss_ld_iou', 'total', 'label', 'weight', 'grad.cls', 'grad.reg']);
});

test('nothing of a check stays in memory', async () => {
  const used = device.pool.usedBytes;
  await checkGoldenCase(device, await loadGoldenCase(`${FOLDER}/imitation-gibox.safetensors`));
  expect(device.pool.usedBytes).toBe(used);
});

test('a value that is off fails its own quantity only', async () => {
  const golden = (await loadGoldenCase(`${FOLDER}/small-bins.safetensors`)) as GoldenCase;
  golden.assignment[1].label[7] += 1;
  golden.assignment[0].vlr!.fill(0);
  golden.loss!.losses.loss_ld[0] *= 1.001;
  golden.loss!.gradients.cls[0][3] += 1e-3;
  const found = await checkGoldenCase(device, golden);
  const failed = found.filter(({ passed }) => !passed).map(({ name }) => name);
  expect(failed).toEqual(['loss_ld.0', 'label.1', 'vlr.0', 'grad.cls.0']);
});

test('a NaN among the logits is told with file, term, level and image', async () => {
  const golden = (await loadGoldenCase(`${FOLDER}/small-bins.safetensors`)) as GoldenCase;
  golden.loss!.student.cls[1][3 * 10 * 12 + 5] = Number.NaN;
  await expect(checkGoldenCase(device, golden)).rejects.toThrow(
    /small-bins\.safetensors: loss_cls is not finite at level 1 \(stride 16\), image 1, row 0, column 5/,
  );
});
