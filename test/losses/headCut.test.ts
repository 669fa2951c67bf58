import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { backward, Variable } from '../../src/autograd/variable.js';
import type { BoxLayer } from '../../src/losses/boxLayer.js';
import { HeadLoss, type HeadLossResult, TERM_NAMES } from '../../src/losses/headLoss.js';
import type { PartialRecipe } from '../../src/losses/recipe.js';
import { conv2d } from '../../src/ops/conv2d.js';
import { scaleLevels } from '../../src/ops/scaleLevels.js';
import { type Device, openDevice } from '../../src/tensor/device.js';
import type { Pyramid } from '../../src/tensor/pyramid.js';
import { expectClose } from '../reference/closeTo.js';
import { gridLevels } from '../reference/grid.js';
import { noise } from '../reference/noise.js';
import { truths } from '../reference/randomTruths.js';
import type { ImageTruth } from '../reference/types.js';
import { type HeadSizes, randomOutputs, upload, uploadTruths } from './headCase.js';

let device: Device;
beforeAll(async () => {
  device = await openDevice();
});
afterAll(() => device.close());

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
const OURS: PartialRecipe = { ld: { main: 0.25, vlr: 0.25 }, kd: { main: 10 }, regions: { vlr: 'reference' } };

/** A random box layer on the host: features one array a level. */
interface HostLayer {
  features: Float32Array[];
  weight: Float32Array;
  bias: Float32Array;
  scales: Float32Array;
}

function randomLayer(sizes: HeadSizes, channels: number, seed: number, scale: number): HostLayer {
  const { batch, bins } = sizes;
  return {
    features: gridLevels(sizes).map(({ anchors }, l) =>
      Float32Array.from(noise(seed + 17 * l, batch * channels * anchors.length, 1)),
    ),
    weight: Float32Array.from(noise(seed + 5, 4 * bins * channels, scale / Math.sqrt(channels))),
    bias: Float32Array.from(noise(seed + 6, 4 * bins, 0.5)),
    scales: Float32Array.from(gridLevels(sizes), (_, l) => 0.6 + 0.3 * l),
  };
}

function uploadLayer(sizes: HeadSizes, { features, weight, bias, scales }: HostLayer) {
  const outputs = 4 * sizes.bins;
  return {
    features: upload(device, sizes, features),
    weight: device.tensor(weight, [outputs, weight.length / outputs, 1, 1]),
    bias: device.tensor(bias),
    levelScales: device.tensor(scales),
  };
}

/** The logits of a layer, as the detector's head makes them, and the leaves that gradients go to. */
function unfused(layer: {
  features: Pyramid;
  weight: BoxLayer['weight'];
  bias: BoxLayer['bias'];
  levelScales: BoxLayer['bias'];
}) {
  const leaves = {
    features: new Variable(layer.features, true),
    weight: new Variable(layer.weight, true),
    bias: new Variable(layer.bias, true),
    levelScales: new Variable(layer.levelScales, true),
  };
  const logits = scaleLevels(conv2d(leaves.features, leaves.weight, leaves.bias), leaves.levelScales);
  logits.retained = true;
  return { logits, leaves };
}

interface Choice {
  sizes: HeadSizes;
  truth: readonly ImageTruth[];
  recipe: PartialRecipe;
  channels?: { student: number; teacher: number };
  seed?: number;
  scale?: number;
  /** Which net gives a layer. */
  layers?: 'both' | 'student' | 'teacher';
}

async function termsOf(result: Pick<HeadLossResult, 'read'>): Promise<Record<string, number[]>> {
  const { terms, total } = await result.read();
  return { ...terms, total: [total] };
}

/**
 * That Cut LD gives what convolution, scale and head loss give: the terms to 3e-6 of themselves, gradients to 3e-5 of the
 * largest of their kind. Both compute in f32 and add up to thousands of rows in different orders.
 */
async function expectUnfused(choice: Choice): Promise<void> {
  const { sizes, truth, recipe, seed = 1, scale = 2, layers = 'both' } = choice;
  const channels = choice.channels ?? { student: 12, teacher: 20 };
  const { width, height } = sizes;
  const loss = new HeadLoss(device, { ...sizes, imageSize: { width, height }, recipe });
  const host = { student: randomOutputs(sizes, seed, 2), teacher: randomOutputs(sizes, seed + 1000, 2) };
  const classLogits = {
    student: upload(device, sizes, host.student.classLogits),
    teacher: upload(device, sizes, host.teacher.classLogits),
  };
  const student = uploadLayer(sizes, randomLayer(sizes, channels.student, seed + 2000, scale));
  const teacher = uploadLayer(sizes, randomLayer(sizes, channels.teacher, seed + 3000, scale));
  const uploaded = uploadTruths(device, sizes, truth);
  const own = unfused(student);
  const taught = unfused(teacher);
  const dense = loss.evaluate({
    student: { classLogits: classLogits.student, boxLogits: own.logits.value },
    teacher: { classLogits: classLogits.teacher, boxLogits: taught.logits.value },
    truth: uploaded,
  });
  const given = {
    student: { classLogits: classLogits.student, boxLogits: layers === 'teacher' ? own.logits.value : student },
    teacher: { classLogits: classLogits.teacher, boxLogits: layers === 'student' ? taught.logits.value : teacher },
  };
  const cut = loss.evaluate({ ...given, truth: uploaded });

  const [actual, expected] = [await termsOf(cut), await termsOf(dense)];
  for (const name of [...TERM_NAMES, 'total']) {
    expectClose(actual[name], expected[name], { relative: 3e-6, absolute: 1e-7 }, name);
  }
  const same = async (name: string, value: ArrayLike<number>, wanted: ArrayLike<number>) => {
    const largest = Array.from(wanted).reduce((most, g) => Math.max(most, Math.abs(g)), 0);
    expectClose(value, wanted, { absolute: 3e-5 * largest }, `gradient of ${name}`);
  };
  await same('classLogits', await cut.gradients.classLogits.read(), await dense.gradients.classLogits.read());
  const gradients = cut.gradients.boxLogits;
  if ('read' in gradients) {
    await same('boxLogits', await gradients.read(), await dense.gradients.boxLogits.read());
  } else {
    backward({ variable: own.logits, gradient: dense.gradients.boxLogits });
    for (const part of ['features', 'weight', 'bias', 'levelScales'] as const) {
      await same(part, await gradients[part]!.read(), await own.leaves[part].gradient!.read());
    }
  }
  cut.dispose();
}

describe('equals convolution, scale and head loss', () => {
  test.each(['both', 'student', 'teacher'] as const)('layers: %s', async (layers) => {
    await expectUnfused({ sizes: SIZES, truth: TRUTHS, recipe: OURS, layers });
  });
});
