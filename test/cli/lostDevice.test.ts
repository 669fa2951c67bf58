/** Commands whose device is lost under them, as by a reset of the driver. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { edgewise, edgewiseProcess } from './cli.js';

const SIZES = ['--size', 'tiny', '--width', '64', '--height', '64', '--images', '4'];
/** Two steps an epoch. */
const TINY = [...SIZES, '--batch', '2', '--evaluate-every', '0'];

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'edgewise-lost-'));
  expect(await edgewise(training('whole'))).toMatchObject({ code: 0 });
});
afterAll(() => rm(root, { recursive: true }));

const out = (name: string) => join(root, name);
const training = (name: string) => ['train', 'shapes', ...TINY, '--epochs', '2', '--out', out(name)];
/** A process of its own, whose devices are lost after so many steps each. */
const losing = (args: string[], ...steps: number[]) =>
  edgewiseProcess(args, { NODE_OPTIONS: '--import=./test/cli/loseDevice.js', LOSE_AFTER: steps.join() });
const checkpoint = (name: string) => readFile(join(out(name), 'checkpoint.safetensors'));
const LOST = 'the GPU device was lost: GPUDevice.destroy() was called. ';

test('train goes on once, on another device, and ends with the same bits; then distill, by the same means', async () => {
  const lost = await losing(training('lost'), 3);
  expect(lost).toMatchObject({ code: 0, stdout: expect.stringMatching(/^Trained/) });
  expect(lost.stderr).toContain(LOST);
  expect(lost.stderr).toMatch(/This command does so now, once\.\n/);
  expect(await checkpoint('lost')).toEqual(await checkpoint('whole'));
  const teacher = ['--teacher', out('whole'), '--recipe', 'main-ld', '--out', out('student')];
  const student = await losing(['distill', 'shapes', ...TINY, '--epochs', '1', ...teacher], 1);
  expect(student).toMatchObject({ code: 0, stderr: expect.stringContaining(LOST) });
});

test('a second loss ends it with one line, and --resume goes on', async () => {
  const lost = await losing(training('twice'), 3, 1);
  expect(lost).toMatchObject({ code: 1, stdout: '' });
  expect(lost.stderr.split('\n').filter((line) => line.includes(LOST)).length).toBe(2);
  expect(lost.stderr).not.toMatch(/ at .*js:/);
  expect(await edgewise(['train', 'shapes', '--images', '4', '--out', out('twice'), '--resume'])).toMatchObject({
    code: 0,
  });
  expect(await checkpoint('twice')).toEqual(await checkpoint('whole'));
});

test('a folder that holds another training is not gone on with', async () => {
  const before = await checkpoint('whole');
  const refused = await losing(training('whole'), 0);
  expect(refused.stderr).toContain(LOST);
  expect(refused).toMatchObject({ code: 1, stderr: expect.stringMatching(/holds a training already/) });
  expect(await checkpoint('whole')).toEqual(before);
});

test('study goes on, too', async () => {
  const plan = {
    name: 'one',
    student: { size: 'tiny' },
    settings: { epochs: 1, batch: 2, evaluateEvery: 0 },
    methods: [{ name: 'none', recipe: 'gfocal' }],
    seeds: [0],
  };
  await writeFile(out('plan.json'), JSON.stringify(plan));
  const args = ['study', out('plan.json'), 'shapes', '--images', '4', '--val-images', '2', '--out', out('study')];
  const studied = await losing([...args, '--json'], 1);
  expect(studied).toMatchObject({ code: 0, stderr: expect.stringContaining(LOST) });
  expect(JSON.parse(studied.stdout)).toMatchObject({ finished: true, failures: {} });
});
