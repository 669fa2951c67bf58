import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { TERM_NAMES } from '../../src/losses/headTerms.js';
import { loadCheckpoint } from '../../src/train/checkpoint.js';
import { readMeasures } from '../../src/train/measures.js';
import { readLog, readRun } from '../../src/train/runFolder.js';
import { InputError } from '../../src/util/error.js';
import { storedRun, writeRun } from './storedRun.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'edgewise-run-'));
});
afterAll(() => rm(folder, { recursive: true }));

const DEEP = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;
/** JSON.stringify runs out of stack on what JSON.parse takes. */
const withDeep = (value: unknown) => JSON.stringify(value).replaceAll('"@deep"', DEEP);

/** One line that names the file and is no stack. */
async function expectRefused(reading: Promise<unknown>, message: string | RegExp) {
  const error = await reading.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(InputError);
  expect((error as InputError).message).toContain(folder);
  expect((error as InputError).message).toMatch(message);
  expect((error as InputError).message.length).toBeLessThan(600);
}

test('what a training has written is read as it was', async () => {
  const stored = storedRun();
  await writeRun(folder, stored);
  expect(await readRun(folder)).toEqual(stored.run);
  expect(await readLog(folder)).toEqual(stored.log);
  expect(await readMeasures(folder)).toEqual(stored.measures);
  expect(await loadCheckpoint(folder)).toMatchObject({ metadata: stored.metadata, tensors: stored.tensors });
});

test('what an earlier version did not write yet has its default', async () => {
  const stored = storedRun();
  const { choices, teacherCache, last, ...metadata } = stored.metadata;
  const { teacherRun, data, split, ...run } = stored.run;
  await writeRun(folder, { ...stored, metadata, run });
  expect((await loadCheckpoint(folder)).metadata).toMatchObject({ choices: {}, teacherCache: false, last: null });
  expect(await readRun(folder)).toMatchObject({ teacherRun: null, data: null, split: null });
});

describe('a checkpoint', () => {
  test.each([
    [{ classes: undefined }, 'understand its metadata (classes is missing)'],
    [{ classes: null }, '(classes is null; it must be array)'],
    [{ classes: [{ id: 1 }] }, '(classes.0.name is missing)'],
    [{ classes: [] }, '(classes is []; it must NOT have fewer than 1 items)'],
    [{ detector: { ...storedRun().metadata.detector, classes: 7 } }, '(detector.classes is 7, but classes has 2'],
    [
      { detector: { ...storedRun().metadata.detector, classes: 1e9 } },
      '(classes: 1000000000; expected an integer from 1',
    ],
    [{ detector: { ...storedRun().metadata.detector, strides: 'x' } }, '(strides: "x"; expected'],
    [{ detector: 3 }, '(detector is 3; it must be object)'],
    [{ epochTerms: undefined }, '(epochTerms is missing)'],
    [{ epochTerms: 'abcdef' }, '(epochTerms is "abcdef"; it must be array)'],
    [{ epochTerms: [1, 2] }, `(epochTerms has 2 entries, expected ${2 * TERM_NAMES.length} or none)`],
    [{ settings: { epochs: 'many' } }, '(epochs is "many"; it must be integer.)'],
    [{ recipe: null }, '(recipe is null; it must be object)'],
    [
      { recipe: { name: '@deep', ld: '@deep' } },
      '(recipe: name is [[[…]]]; it must be string; ld is [[[…]]]; it must be object.)',
    ],
    [{ step: -1, bestAp: 'NaN' }, '(step is -1; it must be >= 0; bestAp is "NaN"; it must be number)'],
    [{ last: { epoch: 1 } }, '(last: step is missing; learningRate is missing;'],
  ])('with wrong metadata is refused: case %#', async (change, message) => {
    const stored = storedRun();
    await writeRun(folder, { ...stored, metadata: withDeep({ ...stored.metadata, ...change }) });
    await expectRefused(loadCheckpoint(folder), message);
  });

  test.each(['', 'null', '[]', '"text"', '{"detector":', DEEP, '1e999'])(
    'whose metadata are no object is refused: case %#',
    async (metadata) => {
      await writeRun(folder, { ...storedRun(), metadata });
      await expectRefused(loadCheckpoint(folder), 'does not understand its metadata');
    },
  );
});

describe('run.json', () => {
  test.each([
    ['', /run\.json is not JSON: line 1, column 1: the file ends/],
    ['null', /run\.json: a run is null; it must be object; give the folder of a run\./],
    ['{"detector":[]}', /detector is \[\]; it must be object/],
    [DEEP, /a run is \[\[\[…\]\]\]/],
    [
      JSON.stringify({ ...storedRun().run, teacherRun: 3, data: {}, parameters: null }),
      /teacherRun is 3; it must be string,null/,
    ],
  ])('that is none is refused: case %#', async (run, message) => {
    await writeRun(folder, { ...storedRun(), run });
    await expectRefused(readRun(folder), message);
  });
});

describe('the log', () => {
  const [first, second] = storedRun().log;
  const line = JSON.stringify(second);

  test('is read up to a last line that was cut off', async () => {
    for (const cut of [1, 20, line.length - 1]) {
      await writeRun(folder, { ...storedRun(), log: `${JSON.stringify(first)}\n${line.slice(0, cut)}` });
      expect(await readLog(folder)).toEqual([first]);
    }
    await writeRun(folder, { ...storedRun(), log: `${JSON.stringify(first)}\n\n${line}` });
    expect(await readLog(folder)).toEqual([first, second]);
    await writeRun(folder, { ...storedRun(), log: '' });
    expect(await readLog(folder)).toEqual([]);
  });

  test.each([
    [
      '"<script>alert(1)</script>"',
      'log.jsonl, line 1: an epoch is "<script>alert(1)</script>"; it must be object; remove it',
    ],
    ['17', 'line 1: an epoch is 17'],
    [`${line.slice(0, 40)}`, 'line 1 is "{'],
    [DEEP, 'line 1: an epoch is [[[…]]]'],
    [{ ...first, terms: undefined }, 'line 1: terms is missing'],
    [{ ...first, terms: { ...first.terms, loss_kd: [1e308] } }, 'line 1: terms.loss_kd is [1e+308]; it must be number'],
    [{ ...first, learningRate: 'NaN' }, 'line 1: learningRate is "NaN"; it must be number'],
    [{ ...first, evaluation: { AP: 1e9 } }, 'AP is 1000000000; it must be <= 1'],
    [{ ...first, agreement: { all: null } }, 'agreement.all is null'],
    [{ ...first, loss: null }, 'loss is null; it must be number'],
  ])('with a line that is none is refused: case %#', async (wrong, message) => {
    await writeRun(folder, { ...storedRun(), log: [wrong, second] });
    await expectRefused(readLog(folder), message);
  });

  test('that is a folder, or not there, is told', async () => {
    await expectRefused(readLog(join(folder, 'nowhere')), 'cannot be read (ENOENT); give the folder of a run');
  });
});

describe('measures.json', () => {
  const { measures } = storedRun();
  test.each([
    ['', 'is not JSON'],
    ['[]', 'measures is []; it must be object; write it again: edgewise evaluate --measures'],
    [{ ...measures, stats: null }, 'stats is null'],
    [{ ...measures, stats: { AP: 'high' } }, 'stats.AP is "high"; it must be number'],
    [{ ...measures, perClass: { disc: 0.5 } }, 'perClass.disc is 0.5; it must be object'],
    [
      { ...measures, precisionRecall: { recall: [0, 1], classes: measures.precisionRecall.classes } },
      'the precisions of disc',
    ],
    [{ ...measures, calibration: { ...measures.calibration, bins: {} } }, 'calibration.bins is {}; it must be array'],
    [{ ...measures, agreement: undefined }, 'agreement is missing'],
  ])('that is none is refused: case %#', async (wrong, message) => {
    await writeRun(folder, { ...storedRun(), measures: wrong });
    await expectRefused(readMeasures(folder), message);
  });
});

test('a file in place of a folder, and the other way round, are told', async () => {
  const file = join(folder, 'file');
  await writeFile(file, 'x');
  await expectRefused(readRun(file), 'run.json');
  await expectRefused(loadCheckpoint(file), 'is not a whole safetensors file');
});
