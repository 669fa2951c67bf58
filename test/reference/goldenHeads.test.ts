import { readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { type GoldenCase, loadGoldenCase } from '../../src/eval/goldenCase.js';
import type { GoldenOutputs } from '../../src/eval/goldenLoss.js';
import { boxAt } from './boxes.js';
import { expectClose } from './closeTo.js';
import { type GoldenHead, goldenHeadRecipe, loadGoldenHead } from './goldenHeads.js';
import { type HeadLossResult, headLossOracle } from './headLoss.js';
import type { HeadOutputs } from './types.js';

const FOLDER = 'test/golden/heads';
const files = readdirSync(FOLDER).filter((name) => /^(tal|dsl)-/.test(name));
const distilled = readdirSync(FOLDER).filter((name) => name.startsWith('bckd-'));

/** A positive below it has no effect on any loss, and f32 decides by chance whether it is one. */
const MIN_SCORE = 1e-9;
/** f32 rounds an overlap to about 3e-7, of which a score takes the sixth power. */
const SCORE = { absolute: 5e-6 };
/** f32 brings boxes to centre and size and back: a rounding of a coordinate of up to 160 pixels. */
const BOX = { absolute: 2e-5 };
/** f32 sums of up to 10^4 products. */
const LOSS = { relative: 1e-6 };
/**
 * Shares of the largest gradient: of all levels, and of the level. A level may have nothing but low scores; CIoU is a difference
 * there, and its sixth power is off by 5e-5 of itself.
 */
const GRADIENT = { ofAll: 5e-6, ofLevel: 1e-4 };

test.each(files)('the oracle agrees with other people’s code: %s', async (file) => {
  const golden = await loadGoldenHead(`${FOLDER}/${file}`);
  const { student, truth } = golden;
  const result = headLossOracle({ student, truth, sizes: golden, recipe: goldenHeadRecipe(golden) });
  expectAssignment(golden, result);
  expectLosses(golden, result);
});

test.each(distilled)('the oracle agrees with other people’s code of distillation: %s', async (file) => {
  const { recipe, grid, batch, classes, truth, assignment, loss } = (await loadGoldenCase(
    `${FOLDER}/${file}`,
  )) as GoldenCase;
  if (!loss) throw new Error(`${file} has no loss`);
  const outputs = ({ cls, reg }: GoldenOutputs) => ({ classLogits: cls, boxLogits: reg });
  const images = Array.from({ length: batch }, (_, image) => {
    const own = Array.from(truth.images, (of, i) => (of === image ? i : -1)).filter((i) => i >= 0);
    return {
      boxes: own.map((i) => boxAt(Float32Array.from(truth.boxes), i)),
      labels: own.map((i) => truth.labels[i]),
    };
  });
  const sizes = { ...grid.imageSize, strides: [...grid.strides], batch, classes, bins: loss.bins };
  const result = headLossOracle({
    student: outputs(loss.student),
    teacher: outputs(loss.teacher),
    truth: images,
    sizes,
    recipe,
  });
  assignment.forEach(({ label, weight }, l) => {
    const { state, label: own } = result.regions[l];
    expect(Array.from(own, (c) => (c < 0 ? classes : c))).toEqual(Array.from(label));
    expect(Array.from(state, (s) => (s === -1 ? 0 : 1))).toEqual(Array.from(weight));
  });
  for (const term of ['loss_kd', 'loss_ld_iou'] as const)
    expectClose(result.terms[term], loss.losses[term], LOSS, term);
  expectGradients({ classLogits: loss.gradients.cls, boxLogits: loss.gradients.reg }, result);
});

function expectAssignment(golden: GoldenHead, { regions, normalisers }: HeadLossResult): void {
  let effective = 0;
  regions.forEach(({ level, label, truthIndex, score }, l) => {
    const expected = golden.assign[l];
    expectClose(score, expected.score, SCORE, `scores of level ${l}`);
    score.forEach((own, index) => {
      if (Math.max(own, expected.score[index]) <= MIN_SCORE) return;
      effective++;
      expect(label[index], `label ${index} of level ${l}`).toBe(expected.label[index]);
      const box = golden.truth[Math.floor(index / level.anchors.length)].boxes[truthIndex[index]];
      expectClose(box, expected.box[index], BOX, `box ${index} of level ${l}`);
    });
  });
  expect(effective).toBeGreaterThan(0);
  expect(effective).toBeLessThanOrEqual(golden.positives);
  if (golden.taskAligned) expectClose([normalisers.scoreSum], [golden.taskAligned.scoreSum], LOSS, 'sum of scores');
}

function expectLosses(golden: GoldenHead, result: HeadLossResult): void {
  const { terms, total } = result;
  for (const term of ['loss_cls', 'loss_bbox', 'loss_dfl'] as const) {
    const sum = terms[term].reduce((a, b) => a + b);
    expectClose([sum], [golden.losses[term]], LOSS, term);
  }
  expectClose([total], [golden.total], LOSS, 'total');
  expectGradients(golden.gradients, result);
}

function expectGradients(golden: HeadOutputs, { gradients }: HeadLossResult): void {
  for (const kind of ['classLogits', 'boxLogits'] as const) {
    const largest = golden[kind].map((level) => Math.max(...Array.from(level, Math.abs)));
    golden[kind].forEach((expected, l) => {
      const absolute = Math.min(GRADIENT.ofAll * Math.max(...largest), GRADIENT.ofLevel * largest[l]);
      expectClose(gradients[kind][l], expected, { absolute }, `gradient of ${kind} of level ${l}`);
    });
  }
}
