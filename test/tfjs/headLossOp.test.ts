import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { backward, Variable } from '../../src/autograd/variable.js';
import { HeadLoss } from '../../src/losses/headLoss.js';
import { relu } from '../../src/ops/activation.js';
import { conv2d } from '../../src/ops/conv2d.js';
import { stackLevels } from '../../src/ops/stackLevels.js';
import { uploadTruth } from '../../src/regions/truth.js';
import { type Device, openDevice } from '../../src/tensor/device.js';
import { Pyramid } from '../../src/tensor/pyramid.js';
import { adoptTfjs, headLossOp, startTfjs } from '../../src/tfjs/index.js';
import { sharedDevice } from '../device.js';
import { randomOutputs, uploadOutputs } from '../losses/headCase.js';
import { expectClose } from '../reference/closeTo.js';
import { noise } from '../reference/noise.js';
import type { HeadSizes } from '../reference/types.js';

let device: Device;
beforeAll(async () => {
  device = await sharedDevice();
  await startTfjs(device);
});
afterAll(async () => {
  tf.removeBackend('webgpu');
});

const SIZES: HeadSizes = { width: 64, height: 48, strides: [8, 16], batch: 2, classes: 3, bins: 8 };
const TRUTH = {
  boxes: [4.5, 6.1, 40.2, 37.3, 20.3, 3.9, 60.8, 44.4, 1.2, 2.3, 30.4, 41.5],
  labels: [1, 2, 0],
  images: [0, 0, 1],
};
/** Name, inputs, outputs and stride of 3×3 convolutions; the last two are the head's, shared by the levels. */
const LAYERS: [string, number, number, 1 | 2][] = [
  ['stem', 3, 8, 2],
  ['quarter', 8, 16, 2],
  ['eighth', 16, 16, 2],
  ['sixteenth', 16, 16, 2],
  ['class', 16, SIZES.classes, 1],
  ['box', 16, 4 * SIZES.bins, 1],
];
const RATE = 0.02;
const STEPS = 4;

function makeLoss(): HeadLoss {
  const { width, height } = SIZES;
  return new HeadLoss(device, { ...SIZES, imageSize: { width, height }, recipe: 'main-kd+main-ld+vlr-ld' });
}

/** [B, 3, H, W] and the initial weights [O, I, 3, 3] and biases. */
function initial() {
  const { batch, width, height } = SIZES;
  const images = Float32Array.from(noise(5, batch * 3 * height * width, 1));
  const layers = LAYERS.map(([name, inputs, outputs], i) => ({
    name,
    weight: Float32Array.from(noise(11 + i, outputs * inputs * 9, Math.sqrt(2 / (9 * inputs)))),
    bias: new Float32Array(outputs),
  }));
  return { images, layers };
}

const teacherOutputs = () => uploadOutputs(device, SIZES, randomOutputs(SIZES, 1001, 2));

/** Losses of the steps by edgewise's own autograd; the update on the host. */
async function ownLosses(): Promise<number[]> {
  const { images, layers } = initial();
  const { batch, width, height } = SIZES;
  const teacher = teacherOutputs();
  const truth = uploadTruth(device, TRUTH, SIZES);
  const parameters = layers.map(({ weight, bias }, i) => ({
    weight: new Variable(device.tensor(weight, [LAYERS[i][2], LAYERS[i][1], 3, 3]), true),
    bias: new Variable(device.tensor(bias), true),
  }));
  const losses: number[] = [];
  for (let step = 0; step < STEPS; step++) {
    const layer = (input: Variable<Pyramid>, i: number) =>
      conv2d(input, parameters[i].weight, parameters[i].bias, { stride: LAYERS[i][3] });
    const block = (input: Variable<Pyramid>, i: number) => relu(layer(input, i));
    const input = new Variable(Pyramid.of(device.tensor(images), batch, 3, [{ width, height }]));
    const eighth = block(block(block(input, 0), 1), 2);
    const features = stackLevels([eighth, block(eighth, 3)]);
    const [classLogits, boxLogits] = [layer(features, 4), layer(features, 5)];
    const student = { classLogits: classLogits.value, boxLogits: boxLogits.value };
    const result = makeLoss().evaluate({ student, teacher, truth });
    backward([
      { variable: classLogits, gradient: result.gradients.classLogits },
      { variable: boxLogits, gradient: result.gradients.boxLogits },
    ]);
    losses.push((await result.total.read())[0]);
    for (const variable of parameters.flatMap(({ weight, bias }) => [weight, bias])) {
      const [value, gradient] = [await variable.value.read(), await variable.gradient!.read()];
      variable.value.write(value.map((x, i) => x - RATE * gradient[i]));
      variable.gradient!.dispose();
      variable.gradient = null;
    }
  }
  return losses;
}

/** The same network in TensorFlow.js, [B, H, W, C]. */
function tfjsNetwork() {
  const { images, layers } = initial();
  const { batch, width, height } = SIZES;
  const input = tf.tidy(() => tf.transpose(tf.tensor4d(images, [batch, 3, height, width]), [0, 2, 3, 1]));
  const variables = layers.map(({ weight, bias }, i) => ({
    weight: tf.tidy(() =>
      tf.variable(tf.transpose(tf.tensor4d(weight, [LAYERS[i][2], LAYERS[i][1], 3, 3]), [2, 3, 1, 0])),
    ),
    bias: tf.variable(tf.tensor1d(bias)),
  }));
  const layer = (x: tf.Tensor4D, i: number) =>
    tf.add(tf.conv2d(x, variables[i].weight as tf.Tensor4D, LAYERS[i][3], 1), variables[i].bias) as tf.Tensor4D;
  return () => {
    const block = (x: tf.Tensor4D, i: number) => tf.relu(layer(x, i));
    const eighth = block(block(block(input, 0), 1), 2);
    const features = [eighth, block(eighth, 3)];
    return { classLogits: features.map((x) => layer(x, 4)), boxLogits: features.map((x) => layer(x, 5)) };
  };
}

test('a model of TensorFlow.js learns as one of edgewise, and nothing leaks', async () => {
  const own = await ownLosses();
  const forward = tfjsNetwork();
  const loss = makeLoss();
  const teacher = teacherOutputs();
  const optimizer = tf.train.sgd(RATE);
  const losses: number[] = [];
  const memory: unknown[] = [];
  for (let step = 0; step < STEPS; step++) {
    const total = optimizer.minimize(() => headLossOp(loss, { student: forward(), teacher, truth: TRUTH }), true)!;
    losses.push((await total.data())[0]);
    total.dispose();
    const { numTensors, numDataBuffers } = tf.memory();
    memory.push([numTensors, numDataBuffers, device.pool.usedBytes]);
  }
  // Convolutions of two libraries in f32, four updates on.
  expectClose(losses, own, { relative: 1e-4 });
  expect(own[STEPS - 1]).toBeLessThan(0.95 * own[0]);
  expect(new Set(memory.map(String)).size).toBe(1);
});

describe('one tensor of all locations, a teacher of TensorFlow.js', () => {
  /** Levels [B, C, H·W] as [B, A, C]. */
  const rows = (levels: readonly Float32Array[]) =>
    tf.concat(
      levels.map((level) =>
        tf.transpose(
          tf.tensor3d(level, [SIZES.batch, level.length / SIZES.batch / areaOf(level, levels), areaOf(level, levels)]),
          [0, 2, 1],
        ),
      ),
      1,
    );
  const areaOf = (level: Float32Array, levels: readonly Float32Array[]) => [48, 12][levels.indexOf(level)];
  const outputs = (seed: number) => {
    const { classLogits, boxLogits } = randomOutputs(SIZES, seed, 2);
    return {
      classLogits: rows(classLogits as Float32Array[]),
      boxLogits: rows(boxLogits as Float32Array[]),
    };
  };

  test('loss and gradient are those of HeadLoss, times what comes in', async () => {
    const loss = makeLoss();
    const truth = uploadTruth(device, TRUTH, SIZES);
    const [student, teacher] = [1, 1001].map((seed) => uploadOutputs(device, SIZES, randomOutputs(SIZES, seed, 2)));
    const want = loss.evaluate({ student, teacher, truth });
    const [own, taught] = [outputs(1), outputs(1001)];
    const { value, grads } = tf.valueAndGrads((classLogits, boxLogits) =>
      tf.mul(3, headLossOp(loss, { student: { classLogits, boxLogits }, teacher: taught, truth })),
    )([own.classLogits, own.boxLogits]);
    // Rows and pyramids are added in another order.
    expectClose(await value.data(), [3 * (await want.total.read())[0]], { relative: 1e-6 });
    for (const [i, key] of (['classLogits', 'boxLogits'] as const).entries()) {
      const channels = key === 'classLogits' ? SIZES.classes : 4 * SIZES.bins;
      const levels: number[] = [];
      const gradient = await grads[i].data();
      for (const [start, area] of [
        [0, 48],
        [48, 12],
      ]) {
        for (let image = 0; image < SIZES.batch; image++)
          for (let channel = 0; channel < channels; channel++)
            for (let cell = 0; cell < area; cell++)
              levels.push(gradient[(image * 60 + start + cell) * channels + channel] / 3);
      }
      const expected = Array.from(await want.gradients[key].read());
      const largest = expected.reduce((most, g) => Math.max(most, Math.abs(g)), 0);
      expectClose(levels, expected, { absolute: 1e-6 * largest }, key);
    }
  });

  test('what does not fit is named', () => {
    const loss = makeLoss();
    const own = outputs(1);
    const evaluate = (change: object) => () =>
      headLossOp(loss, { student: { ...own, ...change }, teacher: own, truth: TRUTH });
    expect(evaluate({ classLogits: own.boxLogits })).toThrow(
      /student\.classLogits: shape \[2,60,32\]; expected \[2,60,3\]/,
    );
    expect(evaluate({ boxLogits: [own.boxLogits] })).toThrow(/student\.boxLogits: 1 tensors; the grid has 2 levels/);
    expect(evaluate({ classLogits: tf.zeros([2, 60, 3], 'int32') })).toThrow(/student\.classLogits: elements of int32/);
  });
});

test('an error that TensorFlow.js had on the device is not passed over: the next call throws, the one after goes on', async () => {
  const loss = makeLoss();
  const student = { classLogits: tf.zeros([2, 60, 3]), boxLogits: tf.zeros([2, 60, 32]) };
  const call = () => headLossOp(loss, { student, teacher: student, truth: TRUTH });
  const [value] = await call().data();
  device.gpu.onuncapturederror = (event) => event.preventDefault?.(); // it would be printed
  device.gpu.createBuffer({ size: 4, usage: 0x01 | 0x80 }).destroy();
  await device.gpu.queue.onSubmittedWorkDone();
  device.gpu.onuncapturederror = null;
  expect(call).toThrow(/not of edgewise/);
  expect((await call().data())[0]).toBe(value);
});

test('another device, another backend', async () => {
  const other = await openDevice();
  const { width, height } = SIZES;
  const loss = new HeadLoss(other, { ...SIZES, imageSize: { width, height }, recipe: 'gfocal' });
  const student = { classLogits: tf.zeros([2, 60, 3]), boxLogits: tf.zeros([2, 60, 32]) };
  expect(() => headLossOp(loss, { student, truth: TRUTH })).toThrow(/another GPUDevice.*startTfjs/);
  await other.close();
  expect(adoptTfjs().gpu).toBe(device.gpu);
  await expect(startTfjs(device)).rejects.toThrow(/already.*adoptTfjs/);
  await tf.setBackend('cpu');
  expect(() => adoptTfjs()).toThrow(/its backend is cpu; expected webgpu/);
  await tf.setBackend('webgpu');
});
