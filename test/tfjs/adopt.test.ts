import * as tf from '@tensorflow/tfjs';
import { expect, test } from 'vitest';
import { offerAdapter } from '../../bench/peers/shared/adapter.js';
import { openTfjs } from '../../bench/peers/tfjs/open.js';
import { HeadLoss } from '../../src/losses/headLoss.js';
import { uploadTruth } from '../../src/regions/truth.js';
import { type Device, openDevice } from '../../src/tensor/device.js';
import { rowMajorLayout } from '../../src/tensor/layout.js';
import { adoptTfjs, headLossOp } from '../../src/tfjs/index.js';
import { expectClose } from '../reference/closeTo.js';
import { noise } from '../reference/noise.js';

const [BATCH, CLASSES, BINS, LOCATIONS] = [1, 3, 8, 60];
const TRUTH = { boxes: [4.5, 6.1, 40.2, 37.3], labels: [1], images: [0] };
const shapeOf = (channels: number): [number, number, number] => [BATCH, LOCATIONS, channels];
const valuesOf = (channels: number, seed: number) => Float32Array.from(noise(seed, BATCH * LOCATIONS * channels, 2));

function makeLoss(device: Device): HeadLoss {
  const imageSize = { width: 64, height: 48 };
  const strides = [8, 16];
  return new HeadLoss(device, {
    classes: CLASSES,
    bins: BINS,
    batch: BATCH,
    strides,
    imageSize,
    recipe: 'main-ld+vlr-ld',
  });
}

test('on the device of a backend that runs already, which has the least limits: the loss of a device of edgewise', async () => {
  const own = await openDevice();
  const rows = (channels: number, seed: number) => ({
    tensor: own.tensor(valuesOf(channels, seed), shapeOf(channels)),
    layout: rowMajorLayout(channels, makeLoss(own).grid.areas),
  });
  const outputs = (seed: number) => ({ classLogits: rows(CLASSES, seed), boxLogits: rows(4 * BINS, seed + 1) });
  const truth = uploadTruth(own, TRUTH, { batch: BATCH, classes: CLASSES });
  const want = await makeLoss(own)
    .evaluate({ student: outputs(1), teacher: outputs(11), truth })
    .total.read();
  await own.close();

  await offerAdapter('auto');
  await openTfjs();
  const device = adoptTfjs();
  const tensors = (seed: number) => ({
    classLogits: tf.tensor3d(valuesOf(CLASSES, seed), shapeOf(CLASSES)),
    boxLogits: tf.tensor3d(valuesOf(4 * BINS, seed + 1), shapeOf(4 * BINS)),
  });
  const total = headLossOp(makeLoss(device), { student: tensors(1), teacher: tensors(11), truth: TRUTH });
  // The variants of the kernels differ where the device has no subgroups.
  expectClose(await total.data(), want, { relative: 1e-5 });
  await device.close();
  // The backend goes on without it.
  expect(Array.from(await tf.add(tf.tensor1d([1, 2]), 1).data())).toEqual([2, 3]);
  tf.removeBackend('webgpu');
});
