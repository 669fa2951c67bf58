import { readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { dynamicSoftLabel } from '../../src/regions/dynamicSoftLabel.js';
import { makeGrid } from '../../src/regions/grid.js';
import { taskAligned } from '../../src/regions/taskAligned.js';
import { uploadTruth } from '../../src/regions/truth.js';
import { sharedDevice } from '../device.js';
import { expectClose } from '../reference/closeTo.js';
import { loadGoldenHead } from '../reference/goldenHeads.js';
import { groundTruth } from './batches.js';
import { goldenHeadBatch, type HeadForm, uploadHead } from './heads.js';
import { readConsistent } from './readAssignment.js';

const device = await sharedDevice();
const FOLDER = 'test/golden/heads';
const files = readdirSync(FOLDER).filter((name) => /^(tal|dsl)-/.test(name));
const FORMS: HeadForm[] = ['pyramid', 'rows', 'channels', 'together'];

/** A positive below it has no effect on any loss, and f32 decides by chance whether it is one. */
const MIN_SCORE = 1e-9;
/** f32 rounds an overlap to about 3e-7, of which a score takes the sixth power. */
const SCORE = { absolute: 5e-6 };
/** f32 brings boxes to centre and size and back: a rounding of a coordinate of up to 160 pixels. */
const BOX = { absolute: 2e-5 };

test.each(files)('as other people’s code: %s', async (file) => {
  const golden = await loadGoldenHead(`${FOLDER}/${file}`);
  const { bins, topk, iouWeight } = golden;
  const batch = goldenHeadBatch(golden);
  const grid = makeGrid(batch);
  const truth = uploadTruth(device, groundTruth(batch), golden);
  const objects = golden.truth.flatMap(({ boxes }) => boxes);
  const expected = {
    label: golden.assign.flatMap(({ label }) => Array.from(label)),
    score: golden.assign.flatMap(({ score }) => Array.from(score)),
    box: golden.assign.flatMap(({ box }) => box),
  };
  for (const form of FORMS) {
    const student = uploadHead(device, golden, golden.student, form);
    const assignment = golden.taskAligned
      ? taskAligned(grid, truth, student, { ...golden.taskAligned, bins, topk })
      : dynamicSoftLabel(grid, truth, student, { bins, topk, iouWeight });
    const { label, matched, score } = await readConsistent(grid, assignment);
    expectClose(score, expected.score, SCORE, `scores, ${form}`);
    const effective = expected.score.flatMap((s, i) => (s > MIN_SCORE || score[i] > MIN_SCORE ? [i] : []));
    expect(effective.length).toBeGreaterThan(0);
    expect(effective.map((i) => label[i])).toEqual(effective.map((i) => expected.label[i]));
    for (const i of effective) expectClose(objects[matched[i]], expected.box[i], BOX, `box of location ${i}, ${form}`);
  }
});
