import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { assignmentMaps } from '../../src/regions/assignment.js';
import { atss } from '../../src/regions/atss.js';
import { makeGrid } from '../../src/regions/grid.js';
import { type ImitationRegionMethod, imitationRegion } from '../../src/regions/imitation.js';
import { uploadTruth } from '../../src/regions/truth.js';
import { sharedDevice } from '../device.js';
import { type Box, insideMargin, iou } from '../reference/boxes.js';
import { loadGoldenAssignment } from '../reference/golden.js';
import { gridLevels } from '../reference/grid.js';
import { imitationRegion as oracle } from '../reference/imitationRegion.js';
import { runs } from '../runs.js';
import { batches, goldenBatch, goldenNames, groundTruth, oracleGrid, scatter, type TestBatch } from './batches.js';

const device = await sharedDevice();

async function region(method: ImitationRegionMethod, batch: TestBatch) {
  const grid = makeGrid(batch);
  const truth = uploadTruth(device, groundTruth(batch), { batch: batch.images.length, classes: batch.classes });
  const assignment = atss(grid, truth);
  const mask = imitationRegion(method, grid, truth, assignment);
  return { mask: Array.from(await mask.read()), label: Array.from(await assignmentMaps(assignment).label.read()) };
}

/** Locations where f32 may decide otherwise than f64: a centre on an edge, an IoU at half of the best. */
function unclear(batch: TestBatch): boolean[] {
  const perImage = batch.images.map((image) => {
    const levels = gridLevels(oracleGrid(batch, image));
    const anchors = levels.flatMap((level) => level.anchors);
    const centres = levels.flatMap((level) => level.centres);
    const best = image.boxes.map((box) => Math.max(...anchors.map((anchor) => iou(anchor, box))));
    return anchors.map((anchor, i) =>
      image.boxes.some(
        (box, g) =>
          Math.abs(insideMargin(...centres[i], box)) < 1e-4 ||
          // Slivers of overlap that f32 rounds away count for boxes that no anchor covers more.
          (best[g] > 0 && Math.abs(iou(anchor, box) - 0.5 * best[g]) < 1e-6),
      ),
    );
  });
  return scatter(batch, perImage, false);
}

test.each(['whole', 'inside', 'finegrained', 'decouple'] as const)('%s: the region of the oracle', (method) =>
  fc.assert(
    fc.asyncProperty(batches(), async (batch) => {
      const right = scatter(
        batch,
        batch.images.map((image) => oracle(method, gridLevels(oracleGrid(batch, image)), image, [])),
        -1,
      );
      const skipped = unclear(batch);
      const clear = (values: number[]) => values.map((value, i) => (skipped[i] ? 0 : value));
      const { mask } = await region(method, batch);
      expect(clear(mask)).toEqual(clear(right));
    }),
    runs(14),
  ),
);

test('main: the positives, and -1 beyond the image', () =>
  fc.assert(
    fc.asyncProperty(batches(), async (batch) => {
      const whole = await region('whole', batch);
      const { mask, label } = await region('main', batch);
      expect(mask).toEqual(whole.mask.map((valid, i) => (valid < 0 ? -1 : label[i] < batch.classes ? 1 : 0)));
    }),
    runs(7),
  ));

describe('by hand', () => {
  const imageSize = { width: 32, height: 16 };
  const single = (boxes: Box[]): TestBatch => {
    const images = [{ ...imageSize, boxes, labels: boxes.map(() => 0), ignore: [] }];
    return { imageSize, strides: [8, 16], classes: 1, images };
  };

  test('no ground truth: nothing but the whole map', async () => {
    const nothing = new Array(10).fill(0);
    for (const method of ['inside', 'main', 'finegrained', 'decouple'] as const) {
      expect((await region(method, single([]))).mask, method).toEqual(nothing);
    }
    expect((await region('whole', single([]))).mask).toEqual(new Array(10).fill(1));
  });

  test('a centre on the edge of a box is not inside', async () => {
    // Centres (0..24, 0), (0..24, 8); then (0, 0), (16, 0).
    expect((await region('inside', single([[0, 0, 17, 15]]))).mask).toEqual([0, 0, 0, 0, 0, 1, 1, 0, 0, 0]);
  });

  test('boxes without area or out of reach have no fine-grained region', async () => {
    const boxes: Box[] = [
      [8, 8, 8, 8],
      [5000, 0, 5100, 100],
    ];
    expect((await region('finegrained', single(boxes))).mask).toEqual(new Array(10).fill(0));
  });
});

const methods: Record<string, ImitationRegionMethod> = {
  finegrained: 'finegrained',
  gibox: 'inside',
  fitnet: 'inside',
};

// The file of gibox holds the mask inside the boxes.
test.each(goldenNames)('golden case %s', async (name) => {
  const golden = await loadGoldenAssignment(`test/golden/${name}.safetensors`);
  const { mask } = await region(methods[golden.imitation], goldenBatch(golden));
  expect(mask).toEqual(golden.assign.flatMap((level) => Array.from(level.imitation)));
});
