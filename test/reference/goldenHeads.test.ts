import { readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { expectClose } from './closeTo.js';
import { assignDynamicSoftLabel } from './dynamicSoftLabel.js';
import { loadGoldenHead } from './goldenHeads.js';
import { gridLevels } from './grid.js';
import { imagePredictions } from './predictions.js';
import { assignTaskAligned } from './taskAligned.js';

const FOLDER = 'test/golden/heads';
const files = readdirSync(FOLDER).filter((name) => /^(tal|dsl)-/.test(name));

/** A positive below it has no effect on any loss, and f32 decides by chance whether it is one. */
const MIN_SCORE = 1e-9;
/** f32 rounds an overlap to about 3e-7, of which a score takes the sixth power. */
const SCORE = { absolute: 5e-6 };
/** f32 brings boxes to centre and size and back: a rounding of a coordinate of up to 160 pixels. */
const BOX = { absolute: 2e-5 };

test.each(files)('the oracle assigns as other people’s code: %s', async (file) => {
  const golden = await loadGoldenHead(`${FOLDER}/${file}`);
  const levels = gridLevels(golden);
  const parameters = { parameters: 'ltrb', bins: golden.bins, anchor: 8 } as const;
  let effective = 0;
  golden.truth.forEach((truth, image) => {
    const input = {
      ...golden,
      ...truth,
      ...imagePredictions(levels, golden.student, image, golden.classes, parameters),
    };
    const { label, truthIndex, score } = golden.taskAligned
      ? assignTaskAligned({ ...input, ...golden.taskAligned })
      : assignDynamicSoftLabel(input);
    levels.forEach(({ first, anchors }, l) => {
      const expected = golden.assign[l];
      const name = `level ${l} of image ${image}`;
      const at = (cell: number) => image * anchors.length + cell;
      const scores = anchors.map((_, cell) => expected.score[at(cell)]);
      expectClose(score.slice(first, first + anchors.length), scores, SCORE, `scores of ${name}`);
      anchors.forEach((_, cell) => {
        if (scores[cell] <= MIN_SCORE && score[first + cell] <= MIN_SCORE) return;
        effective++;
        expect(label[first + cell], `label of ${name}, cell ${cell}`).toBe(expected.label[at(cell)]);
        const own = truth.boxes[truthIndex[first + cell]];
        expectClose(own, expected.box[at(cell)], BOX, `box of ${name}, cell ${cell}`);
      });
    });
  });
  expect(effective).toBeGreaterThan(0);
  expect(effective).toBeLessThanOrEqual(golden.positives);
});
