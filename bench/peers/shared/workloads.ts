/** What is timed: for every peer the same inputs, drawn from the same generators as edgewise's. */
import { type DetectorConfig, detectorConfig } from '../../../src/detector/config.js';
import { Detector } from '../../../src/detector/detector.js';
import type { AdapterPreference } from '../../../src/gpu/adapter.js';
import { HeadLoss } from '../../../src/losses/headLoss.js';
import { uploadTruth } from '../../../src/regions/truth.js';
import { type Device, openDevice } from '../../../src/tensor/device.js';
import { Pyramid } from '../../../src/tensor/pyramid.js';
import { Random } from '../../../src/tensor/random.js';
import { CONVOLUTIONS, type ConvolutionShape } from '../../convolutions.js';
import { HEADS, type HeadName, makeScene, REFERENCE, type SceneSize } from '../../scene.js';
import { assignHead, type HeadAssignment, type HeadRows, readRows } from './assignedHead.js';
import type { PeerRows, Work } from './command.js';

/** Edges of 8 images of 640 × 640 pixels with strides 8 to 128. */
export const DENSE_ROWS = REFERENCE.batch * 4 * 8525;

/** Rows of bins for LD, DFL and the integral; every row has weight 1. */
export interface DenseRows {
  rows: number;
  bins: number;
  /** [R, K] */
  student: Float32Array;
  /** [R, K] */
  teacher: Float32Array;
  /** [R] distances for DFL, within [0, K − 1.1] */
  targets: Float32Array;
}

export function denseRows(rows: number, bins = REFERENCE.bins): DenseRows {
  const random = Random.of(2);
  const draw = (length: number, low: number, high: number) =>
    Float32Array.from({ length }, () => random.uniform(low, high));
  return {
    rows,
    bins,
    student: draw(rows * bins, -2, 2),
    teacher: draw(rows * bins, -2, 2),
    targets: draw(rows, 0, bins - 1.1),
  };
}

/** The three pieces of work of a convolution, by the ends of the rows' names. */
const PARTS = { forward: 'forward', 'input-gradient': 'inputGradient', 'weight-gradient': 'weightGradient' } as const;

/** The rows of all convolutions. */
export function convolutionRows(
  work: (shape: ConvolutionShape, part: (typeof PARTS)[keyof typeof PARTS]) => Work,
): PeerRows {
  return Object.fromEntries(
    Object.entries(CONVOLUTIONS).flatMap(([name, shape]) =>
      Object.entries(PARTS).map(([end, part]) => [`${name}-${end}`, async () => work(shape, part)]),
    ),
  );
}

/** Input [B, I, H, W], weight [O, I, 3, 3] and gradient of the output [B, O, H / stride, W / stride]. */
export function convolutionInputs({ batch, inputs, outputs, stride, height, width }: ConvolutionShape) {
  const random = Random.of(3);
  const draw = (length: number) => Float32Array.from({ length }, () => random.uniform(-1, 1));
  const to = { height: Math.ceil(height / stride), width: Math.ceil(width / stride) };
  return {
    input: draw(batch * inputs * height * width),
    weight: draw(outputs * inputs * 9),
    gradient: draw(batch * outputs * to.height * to.width),
    to,
  };
}

/** A head's outputs with what they learn. */
export interface HeadWork {
  assignment: HeadAssignment;
  student: HeadRows;
  teacher: HeadRows;
}

/** A head loss of bench/scene.ts. */
export function headWork(adapter: AdapterPreference, size: SceneSize = REFERENCE): Promise<HeadWork> {
  return withDevice(adapter, async (device) => {
    const { headLoss, input } = makeScene(device, size);
    const { student, teacher } = input;
    if (!teacher) throw new Error('the recipe of the head scene distils');
    return {
      assignment: await assignHead(headLoss, input),
      student: await readRows(student),
      teacher: await readRows(teacher),
    };
  });
}

/** The rows of other detectors' head losses. @param work of a head with its outputs, and the number of images */
export function otherHeadRows(
  adapter: AdapterPreference,
  work: (head: HeadName, outputs: HeadWork, batch: number) => Work,
): PeerRows {
  const heads = Object.keys(HEADS) as HeadName[];
  return Object.fromEntries(
    heads.map((head) => [
      `head-loss-${head}`,
      async () => work(head, await headWork(adapter, HEADS[head]), HEADS[head].batch),
    ]),
  );
}

/** A training step's network and batch. */
export interface TrainWork {
  config: DetectorConfig;
  /** Initial parameters under edgewise's names; weights of convolutions [out, in, k, k]. */
  parameters: Map<string, { shape: readonly number[]; data: Float32Array }>;
  batch: number;
  /** [B, 3, H, W] */
  images: Float32Array;
  assignment: HeadAssignment;
}

/** AdamW's settings; the rate is small so that repeated steps on one batch stay finite. */
export const LEARNING_RATE = 1e-4;
export const WEIGHT_DECAY = 0.05;

/** Detector `small`, 8 images as of BCCD: 320 × 240 pixels, padded to whole strides, 320 × 256; 3 classes; QFL + GIoU + DFL. */
export function trainWork(adapter: AdapterPreference): Promise<TrainWork> {
  const config = detectorConfig({ size: 'small', classes: 3, width: 320, height: 256 });
  return withDevice(adapter, async (device) => (await makeTrainWork(device, config, REFERENCE.batch)).work);
}

/** A random batch for a detector, and edgewise's own objects for it, which stay the caller's. */
export async function makeTrainWork(device: Device, config: DetectorConfig, batch: number) {
  const { classes, bins, strides, width, height } = config;
  const random = Random.of(4);
  const detector = new Detector(device, config, { seed: 1 });
  const images = Float32Array.from({ length: batch * 3 * height * width }, () => random.uniform(-2, 2));
  const boxes = Array.from({ length: batch * 10 }, () => {
    const [w, h] = [random.uniform(0.1, 0.4) * width, random.uniform(0.1, 0.4) * height];
    const [x, y] = [random.uniform(0, width - w), random.uniform(0, height - h)];
    return [x, y, x + w, y + h];
  });
  const truth = uploadTruth(
    device,
    {
      boxes: boxes.flat(),
      labels: boxes.map(() => random.integer(classes)),
      images: boxes.map((_, i) => Math.floor(i / 10)),
    },
    { batch, classes },
  );
  const headLoss = new HeadLoss(device, {
    classes,
    bins,
    strides,
    batch,
    imageSize: { width, height },
    recipe: 'gfocal',
  });
  const pixels = Pyramid.of(device.tensor(images), batch, 3, [{ width, height }]);
  const { classLogits, boxLogits } = detector.forward(pixels, { training: false });
  const student = { classLogits: classLogits.value, boxLogits: boxLogits.value };
  const parameters = detector.parameters.split((await detector.parameters.values.read()) as Float32Array);
  const work: TrainWork = {
    config,
    parameters,
    batch,
    images,
    assignment: await assignHead(headLoss, { student, truth }),
  };
  return { work, detector, headLoss, truth, pixels };
}

/** Runs `use` with a device of edgewise's, which is gone before a peer opens its own. */
async function withDevice<T>(adapter: AdapterPreference, use: (device: Device) => Promise<T>): Promise<T> {
  const device = await openDevice({ adapter, tune: false });
  try {
    return await use(device);
  } finally {
    await device.close();
  }
}
