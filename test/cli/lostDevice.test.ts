/** Commands whose device is lost under them, as by a reset of the driver. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { edgewise } from './cli.js';

const TINY = ['--size', 'tiny', '--width', '64', '--height', '64', '--batch', '2', '--images', '4'];

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'edgewise-lost-'));
  expect(await train('whole')).toMatchObject({ code: 0 });
});
afterAll(() => rm(root, { recursive: true }));

const out = (name: string) => join(root, name);
const train = (name: string, env: Record<string, string> = {}, more: string[] = []) =>
  edgewise(['train', 'shapes', ...TINY, '--epochs', '2', '--evaluate-every', '0', '--out', out(name), ...more], env);
const losing = (devices: number, after: number) => ({
  NODE_OPTIONS: '--import=./test/cli/loseDevice.js',
  LOSE_DEVICES: String(devices),
  LOSE_AFTER: String(after),
});
const checkpoint = (name: string) => readFile(join(out(name), 'checkpoint.safetensors'));
const LOST = 'the GPU device was lost: GPUDevice.destroy() was called. ';

test('train goes on once, on another device, and ends with the same bits; then distill, by the same means', async () => {
  const lost = await train('lost', losing(1, 14));
  expect(lost).toMatchObject({ code: 0, stdout: expect.stringMatching(/^Trained/) });
  expect(lost.stderr).toContain(LOST);
  expect(lost.stderr).toMatch(/This command does so now, once\.\n/);
  expect(await checkpoint('lost')).toEqual(await checkpoint('whole'));
  const teacher = ['--teacher', out('whole'), '--recipe', 'main-ld', '--out', out('student')];
  const student = await edgewise(['distill', 'shapes', ...TINY, '--epochs', '1', ...teacher], losing(1, 8));
  expect(student).toMatchObject({ code: 0, stderr: expect.stringContaining(LOST) });
});

test('a second loss ends it with one line, and --resume goes on', async () => {
  const lost = await train('twice', losing(2, 8));
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
  const refused = await train('whole', losing(1, 2));
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
  const studied = await edgewise([...args, '--json'], losing(1, 12));
  expect(studied).toMatchObject({ code: 0, stderr: expect.stringContaining(LOST) });
  expect(JSON.parse(studied.stdout)).toMatchObject({ finished: true, failures: {} });
});
