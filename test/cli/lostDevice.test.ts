/** Commands whose device is lost under them, as by a reset of the driver. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openDevice } from '../../src/tensor/device.js';
import { edgewise, edgewiseProcess, edgewiseStopped } from './cli.js';
import { loseDevices } from './loseDevice.js';

/** Kept as it is: the commands are given the tests' device in its place. */
const open = openDevice;
const SIZES = ['--size', 'tiny', '--width', '64', '--height', '64', '--images', '4'];
/** Two steps an epoch. */
const TINY = [...SIZES, '--batch', '2', '--evaluate-every', '0', '--epochs', '2'];

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'edgewise-lost-'));
  expect(await edgewise(training('whole'))).toMatchObject({ code: 0 });
});
afterAll(() => rm(root, { recursive: true }));

const out = (name: string) => join(root, name);
const training = (name: string) => ['train', 'shapes', ...TINY, '--out', out(name)];
const resuming = (name: string) => ['train', 'shapes', '--images', '4', '--out', out(name), '--resume'];
/** Compared with `equals`: `toEqual` takes ten seconds for so many bytes. */
const checkpoint = (name: string) => readFile(join(out(name), 'checkpoint.safetensors'));
const areSame = async (a: string, b: string) => (await checkpoint(a)).equals(await checkpoint(b));
const LOST = 'the GPU device was lost: GPUDevice.destroy() was called. ';
const AGAIN = /This command does so now, once\.\n/;

/** A process of its own, whose devices are lost after so many steps each. */
const losing = (args: string[], ...steps: number[]) =>
  edgewiseProcess(args, { NODE_OPTIONS: '--import=./test/cli/loseDevice.js', LOSE_AFTER: steps.join() });

/** In this process: a device that is lost after so many steps, then the tests' one, whose kernels are compiled. */
async function losingHere(args: string[], steps: number) {
  const restore = loseDevices([steps]);
  try {
    return await edgewise(args, {}, { devices: [() => open({ tune: false })] });
  } finally {
    restore();
  }
}

test('distill, which trains as train does, goes on once, on another device, and ends with the same bits', async () => {
  const distilling = (name: string) => [
    ...['distill', 'shapes', ...TINY, '--teacher', out('whole'), '--recipe', 'main-ld', '--out', out(name)],
  ];
  expect(await edgewise(distilling('student'))).toMatchObject({ code: 0 });
  // In the first step of the second epoch.
  const lost = await losingHere(distilling('lost'), 3);
  expect(lost).toMatchObject({ code: 0, stdout: expect.stringMatching(/^Trained/) });
  expect(lost.stderr).toContain(LOST);
  expect(lost.stderr).toMatch(AGAIN);
  expect(await areSame('lost', 'student')).toBe(true);
});

test('a second loss ends it with one line, and --resume goes on', async () => {
  expect(await edgewiseStopped(training('twice'), 'SIGTERM', /epoch 1/)).toMatchObject({ code: 0 });
  expect(await areSame('twice', 'whole')).toBe(false);
  const lost = await losing(resuming('twice'), 0, 0);
  expect(lost).toMatchObject({ code: 1, stdout: '' });
  expect(lost.stderr.split('\n').filter((line) => line.includes(LOST)).length).toBe(2);
  expect(lost.stderr).not.toMatch(/ at .*js:/);
  expect(await edgewise(resuming('twice'))).toMatchObject({ code: 0 });
  expect(await areSame('twice', 'whole')).toBe(true);
});

test('a folder that holds another training is not gone on with', async () => {
  const before = await checkpoint('whole');
  const refused = await losingHere(training('whole'), 0);
  expect(refused.stderr).toContain(LOST);
  expect(refused).toMatchObject({ code: 1, stderr: expect.stringMatching(/holds a training already/) });
  expect((await checkpoint('whole')).equals(before)).toBe(true);
});

test('study goes on, too', async () => {
  const plan = {
    name: 'one',
    student: { size: 'tiny', width: 64, height: 64 },
    settings: { epochs: 1, batch: 2, evaluateEvery: 0 },
    methods: [{ name: 'none', recipe: 'gfocal' }],
    seeds: [0],
  };
  await writeFile(out('plan.json'), JSON.stringify(plan));
  const args = ['study', out('plan.json'), 'shapes', '--images', '4', '--val-images', '2', '--out', out('study')];
  const studied = await losingHere([...args, '--json'], 0);
  expect(studied).toMatchObject({ code: 0, stderr: expect.stringContaining(LOST) });
  expect(studied.stderr).toMatch(AGAIN);
  expect(JSON.parse(studied.stdout)).toMatchObject({ finished: true, failures: {} });
});
