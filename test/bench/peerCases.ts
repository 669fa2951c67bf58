/** What edgewise (and, for rows, the float64 oracle) says of small inputs, for the peers to agree with. */
import { assignHead, type HeadRows, readRows } from '../../bench/peers/shared/assignedHead.js';
import { denseRows, type HeadWork, makeTrainWork } from '../../bench/peers/shared/workloads.js';
import { backward } from '../../src/autograd/variable.js';
import { type StoredTensor, writeSafetensors } from '../../src/data/safetensors.js';
import { detectorConfig } from '../../src/detector/config.js';
import type { AdapterPreference } from '../../src/gpu/adapter.js';
import { HeadLoss } from '../../src/losses/headLoss.js';
import type { Device } from '../../src/tensor/device.js';
import { Pyramid } from '../../src/tensor/pyramid.js';
import { sharedDevice } from '../device.js';
import { randomOutputs, uploadOutputs, uploadTruths } from '../losses/headCase.js';
import { integral, integralGradient } from '../reference/bins.js';
import { expectClose } from '../reference/closeTo.js';
import { distributionFocalLoss } from '../reference/distributionFocalLoss.js';
import { temperatureKL } from '../reference/temperatureKL.js';
import type { HeadSizes, ImageTruth } from '../reference/types.js';

/** SwiftShader compiles jax-js's hundreds of kernels in seconds; LLVM, in lavapipe, takes minutes. */
export const QUICK_COMPILER: AdapterPreference =
  process.platform === 'linux' && process.arch === 'x64' ? 'embedded' : 'auto';

/** Dense rows with the loss of `rows-ld-dfl` and its gradient. */
export function rowsCase() {
  const rows = denseRows(37);
  const { bins, student, teacher, targets } = rows;
  let loss = 0;
  const gradient: number[] = [];
  for (let row = 0; row < rows.rows; row++) {
    const [own, taught] = [student, teacher].map((all) => all.subarray(bins * row, bins * (row + 1)));
    const ld = temperatureKL(own, taught, 10);
    const dfl = distributionFocalLoss(own, targets[row]);
    const expected = integralGradient(own);
    loss += ld.loss + dfl.loss + integral(own) / rows.rows;
    for (let k = 0; k < bins; k++) gradient.push(ld.gradient[k] + dfl.gradient[k] + expected[k] / rows.rows);
  }
  return { rows, loss, gradient };
}

const SIZES: HeadSizes = { width: 96, height: 64, strides: [8, 16, 32], batch: 2, classes: 4, bins: 9 };

const TRUTHS: ImageTruth[] = [
  {
    boxes: [
      [10.3, 5.1, 60.7, 50.2],
      [40.9, 20.4, 90.1, 63.3],
    ],
    labels: [1, 3],
  },
  { boxes: [[3.2, 7.7, 33.1, 30.9]], labels: [0] },
];

/** A head with the loss of a recipe with a teacher, and its gradients as rows. */
export async function headCase(
  recipe = 'reference',
): Promise<{ work: HeadWork; loss: number; gradients: HeadRows; batch: number }> {
  const device = await sharedDevice();
  const { headLoss, input } = makeHead(device, recipe);
  const { student, teacher } = input;
  const result = headLoss.evaluate(input);
  const work = {
    assignment: await assignHead(headLoss, input),
    student: await readRows(student),
    teacher: await readRows(teacher),
  };
  const { classLogits, boxLogits } = result.gradients;
  if (!(classLogits instanceof Pyramid && boxLogits instanceof Pyramid)) throw new Error('gradients of pyramids');
  const gradients = await readRows({ classLogits, boxLogits });
  return { work, loss: (await result.read()).total, gradients, batch: SIZES.batch };
}

/** Writes what edgewise says of such a head as a golden case of `test/golden/heads`, with the teacher's logits and LD. */
export async function writeHeadCase(file: string, recipe: string): Promise<void> {
  const device = await sharedDevice();
  const { headLoss, input } = makeHead(device, recipe);
  const { grid, batch } = headLoss;
  const result = headLoss.evaluate(input);
  const { label, score } = result.regions();
  const pyramids = {
    'student.cls': input.student.classLogits,
    'student.reg': input.student.boxLogits,
    'teacher.cls': input.teacher.classLogits,
    'teacher.reg': input.teacher.boxLogits,
    'grad.cls': result.gradients.classLogits as Pyramid,
    'grad.reg': result.gradients.boxLogits as Pyramid,
  };
  const tensors: [string, StoredTensor][] = [];
  for (const [name, maps] of Object.entries(pyramids)) {
    const { channels, levels } = maps;
    const values = (await maps.read()) as Float32Array;
    for (const [level, { height, width, offset }] of levels.entries()) {
      const shape = [batch, channels, height, width];
      const data = values.slice(offset, offset + batch * channels * height * width);
      tensors.push([`${name}.${level}`, { dtype: 'F32', shape, data }]);
    }
  }
  const [labels, scores] = [(await label.read()) as Int32Array, (await score.read()) as Float32Array];
  let at = 0;
  for (const [level, area] of grid.areas.entries()) {
    const [start, end, shape] = [at, at + batch * area, [batch, area]];
    tensors.push([`assign.label.${level}`, { dtype: 'I32', shape, data: labels.slice(start, end) }]);
    tensors.push([`assign.score.${level}`, { dtype: 'F32', shape, data: scores.slice(start, end) }]);
    at = end;
  }
  for (const [image, { boxes, labels }] of TRUTHS.entries()) {
    const data = Float32Array.from(boxes.flat());
    tensors.push([`gt.boxes.${image}`, { dtype: 'F32', shape: [boxes.length, 4], data }]);
    tensors.push([`gt.labels.${image}`, { dtype: 'I32', shape: [labels.length], data: Int32Array.from(labels) }]);
  }
  const sums = Object.entries((await result.read()).terms).map(
    ([name, levels]) => [name, levels.reduce((sum, value) => sum + value, 0)] as const,
  );
  const { width, height, strides, classes } = SIZES;
  await writeSafetensors(file, tensors, {
    head: headLoss.recipe.regions.assigner,
    ...Object.fromEntries(Object.entries({ width, height, batch, classes }).map(([key, value]) => [key, `${value}`])),
    strides: JSON.stringify(strides),
    centreOffset: String(grid.centreOffset),
    losses: JSON.stringify(Object.fromEntries(sums.filter(([, value]) => value !== 0))),
  });
}

function makeHead(device: Device, recipe: string) {
  const { width, height } = SIZES;
  const headLoss = new HeadLoss(device, { ...SIZES, imageSize: { width, height }, recipe });
  const [student, teacher] = [1, 2].map((seed) => uploadOutputs(device, SIZES, randomOutputs(SIZES, seed, 2)));
  return { headLoss, input: { student, teacher, truth: uploadTruths(device, SIZES, TRUTHS) } };
}

/** A detector and batch with the loss of `train-step`, and its gradients by the parameters' names. */
export async function trainCase() {
  const device = await sharedDevice();
  const config = detectorConfig({ size: 'tiny', classes: 3, width: 64, height: 64 });
  const { work, detector, headLoss, truth, pixels } = await makeTrainWork(device, config, 2);
  detector.parameters.zeroGradients();
  const { classLogits, boxLogits } = detector.forward(pixels, { training: true });
  const result = headLoss.evaluate({
    student: { classLogits: classLogits.value, boxLogits: boxLogits.value },
    truth,
  });
  backward([
    { variable: classLogits, gradient: result.gradients.classLogits },
    { variable: boxLogits, gradient: result.gradients.boxLogits },
  ]);
  const flat = (await detector.parameters.gradients.read()) as Float32Array;
  return { work, loss: (await result.read()).total, gradients: detector.parameters.split(flat) };
}

/** To 1e-4 of the largest element: f32 sums of different orders. */
export function expectGradient(actual: ArrayLike<number>, expected: ArrayLike<number>, name = 'gradient'): void {
  const largest = Array.from(expected).reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  expectClose(actual, expected, { absolute: 1e-4 * largest }, name);
}
