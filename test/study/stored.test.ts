import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { collectResults } from '../../src/study/results.js';
import { storedRun, writeTexts } from '../train/storedRun.js';
import { storedStudy } from './storedStudy.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'edgewise-study-'));
  await mkdir(join(folder, 'plans'));
  for (const run of Object.keys(storedStudy()).filter((file) => file.startsWith('runs/'))) {
    await writeTexts(join(folder, run, '..'), storedRun());
  }
});
afterAll(() => rm(folder, { recursive: true }));

/** Writes a study with one of its files changed. */
async function write(changes: Record<string, unknown> = {}) {
  for (const [file, value] of Object.entries({ ...storedStudy(), ...changes })) {
    await writeFile(join(folder, file), typeof value === 'string' ? value : JSON.stringify(value));
  }
}

test('what a study has written is read', async () => {
  await write();
  const { students, runs, plans } = await collectResults(folder);
  expect(students).toEqual({ of: 1, finished: 1 });
  expect(runs).toMatchObject([{ plan: 'small', method: 'plain', seed: 0, seconds: 3, figures: { AP: 0.2 } }]);
  expect(plans[0].tables[0].rows).toHaveLength(1);
});

const { 'plans/small.json': RECORD, 'study.json': STUDY } = storedStudy();
const PLAN = RECORD.plan;
const RUN = Object.keys(storedStudy())[2];

test.each<[string, unknown, string]>([
  ['study.json', '', 'study.json is not JSON: line 1, column 1: the file ends'],
  ['study.json', 'null', 'study.json: a study is null; it must be object; give a study'],
  ['study.json', { ...STUDY, data: {} }, 'data.name is missing; data.identity is missing'],
  [
    'plans/small.json',
    '[]',
    'small.json: a plan with its runs is []; it must be object; give the plan to edgewise study',
  ],
  ['plans/small.json', { ...RECORD, plan: {} }, 'small.json: name is missing; seeds is missing; student is missing'],
  ['plans/small.json', { ...RECORD, plan: { ...PLAN, methods: [] } }, 'small.json: methods is []'],
  [
    'plans/small.json',
    { ...RECORD, methods: [{ ...RECORD.methods[0], hashes: [] }] },
    '"plain" has 0 hashes for 1 seeds',
  ],
  ['plans/small.json', { ...RECORD, plan: { ...PLAN, seeds: [0, 1] } }, '"plain" has 1 hashes for 2 seeds'],
  [
    'plans/small.json',
    { ...RECORD, methods: [{ ...RECORD.methods[0], hashes: ['../../etc'] }] },
    'it must match pattern',
  ],
  [RUN, '{"teacher":null,"seconds":"NaN"}', 'seconds is "NaN"; it must be number; remove it: the study measures'],
  [RUN, '{"teacher":7,"seconds":1e999}', 'study-run.json: teacher is 7'],
])('%s that no study has written is refused: case %#', async (file, value, message) => {
  await write({ [file]: value });
  await expect(collectResults(folder)).rejects.toThrow(message);
  await expect(collectResults(folder)).rejects.toThrow(expect.objectContaining({ name: 'InputError' }));
});
