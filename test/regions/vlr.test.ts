import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { assignAtss } from '../../src/regions/atss.js';
import type { AtssOptions } from '../../src/regions/atssCandidates.js';
import { makeGrid } from '../../src/regions/grid.js';
import { uploadTruth } from '../../src/regions/truth.js';
import { sharedDevice } from '../device.js';
import { assignAtss as atssOracle } from '../reference/atss.js';
import { type Box, diou, pseudoDiou } from '../reference/boxes.js';
import { expectClose } from '../reference/closeTo.js';
import { loadGoldenAssignment } from '../reference/golden.js';
import { valuableRegion as oracle } from '../reference/vlr.js';
import { runs } from '../runs.js';
import { batches, goldenBatch, goldenNames, groundTruth, oracleGrid, scatter, type TestBatch } from './batches.js';

const device = await sharedDevice();

async function region(batch: TestBatch, options: AtssOptions = {}) {
  const grid = makeGrid(batch);
  const truth = uploadTruth(device, groundTruth(batch), { batch: batch.images.length, classes: batch.classes });
  return (await assignAtss(grid, truth, { vlr: 'paper', ...options }).vlr.read()) as Float32Array;
}

/** Locations where f32 may decide otherwise than f64: a (pseudo-)DIoU within 1e-5 of an end of its interval. */
function unclear(batch: TestBatch, { vlr, gamma }: { vlr: 'paper' | 'reference'; gamma: number }): boolean[] {
  const perImage = batch.images.map((image) => {
    const { levels, thresholds } = atssOracle({ ...oracleGrid(batch, image), ...image });
    return levels.flatMap(({ anchors }) =>
      anchors.map((anchor) =>
        image.boxes.some((box, g) => {
          const x = vlr === 'paper' ? diou(anchor, box) : pseudoDiou(anchor, box);
          return [gamma, 1].some((share) => Math.abs(x - share * thresholds[g]) < 1e-5);
        }),
      ),
    );
  });
  return scatter(batch, perImage, false);
}

const cases = (['paper', 'reference'] as const).flatMap((vlr) => [0, 0.25, 0.7].map((gamma) => ({ vlr, gamma })));

test.each(cases)('$vlr, gamma $gamma: members and values are those of the oracle', (options) =>
  fc.assert(
    fc.asyncProperty(batches(), async (batch) => {
      const own = await region(batch, options);
      const perImage = batch.images.map((image) =>
        oracle({ ...oracleGrid(batch, image), ...image, form: options.vlr, gamma: options.gamma }),
      );
      const skipped = unclear(batch, options);
      const clear = (values: ArrayLike<number>) => Array.from(values, (value, i) => (skipped[i] ? 0 : value));
      // A member of IoU 0 is none; f32 may round a sliver of overlap away, so that slivers are left out on both sides.
      const members = (values: number[]) => values.map((value) => value > 1e-6);
      const right = clear(scatter(batch, perImage, 0));
      expect(members(clear(own))).toEqual(members(right));
      expectClose(clear(own), right, { absolute: 1e-6 }, 'values');
    }),
    runs(9),
  ),
);

describe('by hand', () => {
  const imageSize = { width: 64, height: 64 };
  const single = (boxes: Box[], strides = [8, 16]): TestBatch => {
    const images = [{ ...imageSize, boxes, labels: boxes.map(() => 0), ignore: [] }];
    return { imageSize, strides, octaveScale: 4, classes: 1, images };
  };
  const box: Box = [10.3, 12.1, 50.7, 47.9];

  test('no ground truth: zeros', async () => {
    expect(Array.from(await region(single([])))).toEqual(new Array(80).fill(0));
  });

  test('a box without a threshold, or without area, has no region', async () => {
    for (const vlr of ['paper', 'reference'] as const) {
      const none = await region(single([[-200, -200, 200, 200]], [64]), { vlr, gamma: 0 });
      expect(Array.from(none)).toEqual([0]);
      const flat = await region(single([[20, 20, 20, 40]]), { vlr });
      expect(flat.every((v) => v === 0)).toBe(true);
    }
  });

  test('gamma 1 leaves nothing of the half-open reference form; gamma 0 leaves most', async () => {
    const count = async (gamma: number) =>
      (await region(single([box]), { vlr: 'reference', gamma })).filter((v) => v > 0).length;
    expect(await count(1)).toBe(0);
    expect(await count(0)).toBeGreaterThan(await count(0.25));
    expect(await count(0.25)).toBeGreaterThan(0);
  });

  test("a location whose DIoU is the threshold is in the paper's region, not in the reference's", async () => {
    // One candidate on each level, both of IoU ½ and at the box's centre: t = ½ = DIoU. Of the finer anchor all is in the box.
    const centred = single([[0, -16, 32, 48]]);
    const [paper, reference] = [
      await region(centred, { topk: 1 }),
      await region(centred, { vlr: 'reference', topk: 1 }),
    ];
    const centres = [2 * 8 + 2, 64 + 4 + 1];
    expect(centres.map((location) => paper[location])).toEqual([0.5, 0.5]);
    expect(centres.map((location) => reference[location])).toEqual([0, 0]);
  });

  test('gamma out of range is named', async () => {
    await expect(region(single([]), { gamma: 1.5 })).rejects.toThrow('gamma: 1.5');
  });
});

test.each(goldenNames)('golden case %s', async (name) => {
  const golden = await loadGoldenAssignment(`test/golden/${name}.safetensors`);
  const own = await region(goldenBatch(golden), { vlr: 'reference', ignoreIofThreshold: golden.ignoreIofThreshold });
  const right = golden.assign.flatMap((level) => Array.from(level.vlr));
  expect(Array.from(own, (v) => v > 0)).toEqual(right.map((v) => v > 0));
  expectClose(Array.from(own), right, { absolute: 1e-6 }, 'values');
});
