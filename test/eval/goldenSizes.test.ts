import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type StoredTensor, writeSafetensors } from '../../src/data/safetensors.js';
import { loadGoldenCase } from '../../src/eval/goldenCase.js';
import { checkGoldenCase } from '../../src/eval/goldenCheck.js';
import { TERM_NAMES } from '../../src/losses/headTerms.js';
import { resolveRecipe } from '../../src/losses/recipe.js';
import type { Device } from '../../src/tensor/device.js';
import { sharedDevice } from '../device.js';
import { randomOutputs } from '../losses/headCase.js';
import type { Box } from '../reference/boxes.js';
import { gridLevels } from '../reference/grid.js';
import { headLossOracle } from '../reference/headLoss.js';
import { headRegions } from '../reference/headRegions.js';
import type { ImitationMethod } from '../reference/imitationRegion.js';
import type { HeadOutputs, HeadSizes, ImageTruth } from '../reference/types.js';

const SIZES: HeadSizes = { width: 100, height: 76, strides: [4, 8, 16], batch: 3, classes: 7, bins: 12 };
/** The second image has nothing to find; the third has a region to ignore. */
const TRUTH: ImageTruth[] = [
  { boxes: [[10.3, 8.1, 61.7, 50.2] as Box, [40.9, 20.4, 95.3, 71.8] as Box], labels: [2, 6] },
  { boxes: [], labels: [] },
  { boxes: [[5.2, 30.6, 44.1, 70.7] as Box], labels: [0], ignore: [[50.3, 10.2, 90.6, 60.1] as Box] },
];

let device: Device;
let folder: string;
beforeAll(async () => {
  device = await sharedDevice();
  folder = await mkdtemp(join(tmpdir(), 'edgewise-golden-'));
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});

/** Writes what the float64 oracle gives as a golden case. */
async function writeCase(path: string, name: string, method: ImitationMethod, weight: number): Promise<void> {
  const recipe = resolveRecipe({
    regions: { vlr: 'reference', ignoreIofThreshold: 0.5 },
    ld: { main: 0.25, vlr: 0.25, temperature: 3 },
    kd: { main: 10, temperature: 5 },
    imitation: { method, weight },
  });
  const [student, teacher] = [randomOutputs(SIZES, 7, 1.5), randomOutputs(SIZES, 11, 1.5)];
  const { terms, total, gradients } = headLossOracle({ student, teacher, truth: TRUTH, sizes: SIZES, recipe });
  // The files hold the inside of the boxes where the region depends on what the nets say.
  const shown = method === 'gibox' ? 'inside' : method;
  const masks = headRegions(
    SIZES,
    { ...recipe, imitation: { ...recipe.imitation, method: shown } },
    TRUTH,
    student,
    teacher,
  );

  const tensors: [string, StoredTensor][] = [];
  const floats = (key: string, shape: number[], values: ArrayLike<number>) =>
    tensors.push([key, { dtype: 'F32', shape, data: Float32Array.from(values) }]);
  const integers = (key: string, shape: number[], values: ArrayLike<number>) =>
    tensors.push([key, { dtype: 'I32', shape, data: Int32Array.from(values) }]);
  TRUTH.forEach(({ boxes, labels, ignore = [] }, image) => {
    floats(`gt.boxes.${image}`, [boxes.length, 4], boxes.flat());
    integers(`gt.labels.${image}`, [labels.length], labels);
    if (ignore.length > 0) floats(`gt.ignore.${image}`, [ignore.length, 4], ignore.flat());
  });
  const { batch, classes } = SIZES;
  const outputs: [string, HeadOutputs][] = [
    ['student', student],
    ['teacher', teacher],
    ['grad', gradients],
  ];
  gridLevels(SIZES).forEach(({ width, height }, level) => {
    for (const [key, { classLogits, boxLogits, features }] of outputs) {
      for (const [part, maps] of Object.entries({
        cls: classLogits,
        reg: boxLogits,
        ...(weight > 0 && { feat: features }),
      })) {
        const values = (maps as ArrayLike<number>[])[level];
        floats(`${key}.${part}.${level}`, [batch, values.length / (batch * width * height), height, width], values);
      }
    }
    const { label, state, truthIndex, vlr, imitation } = masks[level];
    const shape = [batch, width * height];
    integers(
      `assign.label.${level}`,
      shape,
      Array.from(label, (c) => (c < 0 ? classes : c)),
    );
    floats(
      `assign.weight.${level}`,
      shape,
      Array.from(state, (s) => (s < 0 ? 0 : 1)),
    );
    floats(`assign.vlr.${level}`, shape, vlr);
    floats(`assign.imitation.${level}`, shape, imitation);
    const boxes = Array.from(truthIndex, (g, i) =>
      g < 0 ? [0, 0, 0, 0] : TRUTH[Math.floor(i / (width * height))].boxes[g],
    );
    floats(`assign.box.${level}`, [...shape, 4], boxes.flat());
  });
  const { width, height, bins, strides } = SIZES;
  const metadata = { width, height, batch, classes, strides, regMax: bins - 1, losses: terms, total };
  const settled = { imitationWeight: weight, temperatureLd: 3, temperatureKd: 5, ignoreIofThreshold: 0.5 };
  const text = Object.entries({ ...metadata, ...settled }).map(([key, value]) => [key, JSON.stringify(value)]);
  await writeSafetensors(path, tensors, { ...Object.fromEntries(text), imitation: name });
}

test.each<[string, ImitationMethod, number]>([
  ['finegrained', 'finegrained', 0],
  ['fitnet', 'inside', 2],
  ['finegrained', 'finegrained', 1.5],
  ['decouple', 'decouple', 2],
  ['gibox', 'gibox', 2],
])(
  'other sizes, an image without objects, one with a region to ignore: %s by %s, weight %d',
  async (name, method, weight) => {
    const path = join(folder, `${name}.safetensors`);
    await writeCase(path, name, method, weight);
    const found = await checkGoldenCase(device, await loadGoldenCase(path));
    expect(found.filter(({ passed }) => !passed)).toEqual([]);
    expect(found.length).toBe(TERM_NAMES.length * 3 + 1 + 5 * 3 + (weight > 0 ? 9 : 6));
  },
);
