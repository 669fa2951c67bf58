/** What edgewise (and, for rows, the float64 oracle) says of small inputs, for the peers to agree with. */
import { assignHead, type HeadRows, readRows } from '../../bench/peers/shared/assignedHead.js';
import { denseRows, type HeadWork, makeTrainWork } from '../../bench/peers/shared/workloads.js';
import { backward } from '../../src/autograd/variable.js';
import { detectorConfig } from '../../src/detector/config.js';
import { HeadLoss } from '../../src/losses/headLoss.js';
import { Pyramid } from '../../src/tensor/pyramid.js';
import { sharedDevice } from '../device.js';
import { randomOutputs, uploadOutputs, uploadTruths } from '../losses/headCase.js';
import { integral, integralGradient } from '../reference/bins.js';
import { expectClose } from '../reference/closeTo.js';
import { distributionFocalLoss } from '../reference/distributionFocalLoss.js';
import { temperatureKL } from '../reference/temperatureKL.js';
import type { HeadSizes } from '../reference/types.js';

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

/** A head with the loss of `head-loss` and its gradients as rows. */
export async function headCase(): Promise<{ work: HeadWork; loss: number; gradients: HeadRows }> {
  const device = await sharedDevice();
  const { width, height } = SIZES;
  const headLoss = new HeadLoss(device, { ...SIZES, imageSize: { width, height }, recipe: 'reference' });
  const outputs = [1, 2].map((seed) => uploadOutputs(device, SIZES, randomOutputs(SIZES, seed, 2)));
  const truth = uploadTruths(device, SIZES, [
    {
      boxes: [
        [10.3, 5.1, 60.7, 50.2],
        [40.9, 20.4, 90.1, 63.3],
      ],
      labels: [1, 3],
    },
    { boxes: [[3.2, 7.7, 33.1, 30.9]], labels: [0] },
  ]);
  const [student, teacher] = outputs;
  const input = { student, teacher, truth };
  const result = headLoss.evaluate(input);
  const work = {
    assignment: await assignHead(headLoss, input),
    student: await readRows(student),
    teacher: await readRows(teacher),
  };
  const { classLogits, boxLogits } = result.gradients;
  if (!(classLogits instanceof Pyramid && boxLogits instanceof Pyramid)) throw new Error('gradients of pyramids');
  return { work, loss: (await result.read()).total, gradients: await readRows({ classLogits, boxLogits }) };
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
