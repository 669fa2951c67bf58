import { beforeAll, expect, test } from 'vitest';
import { backward } from '../../../src/autograd/variable.js';
import { detectorConfig } from '../../../src/detector/config.js';
import { Detector } from '../../../src/detector/detector.js';
import type { DetectionNet } from '../../../src/detector/net.js';
import { resolveRecipe } from '../../../src/losses/recipe.js';
import { exportOnnx } from '../../../src/onnx/export.js';
import { GraphStudent } from '../../../src/onnx/graph/student.js';
import { Pyramid } from '../../../src/tensor/pyramid.js';
import { Random } from '../../../src/tensor/random.js';
import { sharedDevice } from '../../device.js';
import { FAMILIES, type Family, ofFamily } from '../families.js';

const device = await sharedDevice();

const SIZE = { width: 96, height: 64 };
const config = detectorConfig({ size: 'tiny', classes: 3, bins: 9, ...SIZE });
const NAMES = ['ellipse', 'rectangle', 'triangle'];
const BATCH = 2;

let built: Detector;
let exported: Uint8Array;
beforeAll(async () => {
  built = new Detector(device, config, { seed: 9 });
  const { parameters } = built;
  const random = Random.of(4);
  const values = (await parameters.values.read()) as Float32Array;
  const weights = parameters.split(values.map((value) => value + 0.05 * random.normal()));
  parameters.values.write(parameters.join(weights));
  const classes = NAMES.map((name, id) => ({ id, name }));
  exported = await exportOnnx({ detector: config, recipe: resolveRecipe('gfocal'), classes, weights });
});

function open(family: Family, { classes = NAMES, ...rename }: { classes?: string[]; [field: string]: unknown } = {}) {
  const { model, mapping } = ofFamily(exported, family, config);
  return GraphStudent.open(device, {
    model,
    mapping: { ...mapping, classes: NAMES, ...rename },
    classes,
    ...SIZE,
    name: family,
  });
}

function drawn(size: number, seed: number): Float32Array<ArrayBuffer> {
  const random = Random.of(seed);
  return Float32Array.from({ length: size }, () => random.normal());
}

/** Largest difference, relative to the largest value. */
function worst(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  expect(actual.length).toBe(expected.length);
  let [most, largest] = [0, 1e-30];
  for (let i = 0; i < expected.length; i++) {
    most = Math.max(most, Math.abs(actual[i] - expected[i]));
    largest = Math.max(largest, Math.abs(expected[i]));
  }
  return most / largest;
}

interface Pass {
  classLogits: ArrayLike<number>;
  boxLogits: ArrayLike<number>;
  gradients: Map<string, ArrayLike<number>>;
}

/** Forward and back. @param order class of the pass that each class's gradient is drawn for */
async function pass(net: DetectionNet, { batch = BATCH, order = [0, 1, 2] } = {}): Promise<Pass> {
  const { parameters } = net;
  const [reads, flat] = device.tidy(() => {
    const images = Pyramid.of(device.tensor(drawn(batch * 3 * 96 * 64, 1)), batch, 3, [SIZE]);
    parameters.zeroGradients();
    const { classLogits, boxLogits } = net.forward(images, { training: true });
    const logits = Promise.all([classLogits.value.read(), boxLogits.value.read()]);
    const classGradient = classLogits.value.levels.flatMap(({ height, width }, level) =>
      Array.from({ length: batch }, (_, image) =>
        order.map((one) => [...drawn(height * width, 100 + 10 * level + 3 * image + one)]),
      ).flat(2),
    );
    backward([
      { variable: classLogits, gradient: device.tensor(classGradient) },
      { variable: boxLogits, gradient: device.tensor(drawn(boxLogits.value.size, 8)) },
    ]);
    return [logits, parameters.gradients.read()] as const;
  });
  const [classLogits, boxLogits] = await reads;
  const gradients = parameters.split((await flat) as Float32Array);
  return { classLogits, boxLogits, gradients: new Map([...gradients].map(([name, { data }]) => [name, data])) };
}

test.each(FAMILIES)('a model that looks like %s has logits and gradients of the detector inside it', async (family) => {
  const student = await open(family);
  expect(student.config).toEqual({ classes: 3, bins: 9, strides: [8, 16, 32], ...SIZE });
  const [own, expected] = [await pass(student), await pass(built)];
  expect(worst(own.classLogits, expected.classLogits)).toBeLessThan(1e-4);
  expect(worst(own.boxLogits, expected.boxLogits)).toBeLessThan(1e-4);
  const scales = expected.gradients.get('head.levelScales');
  for (const [name, gradient] of own.gradients) {
    const level = /^head\.levelScales\.(\d)$/.exec(name)?.[1];
    const whole = level && scales ? [scales[Number(level)]] : expected.gradients.get(name);
    expect(worst(gradient, whole ?? []), name).toBeLessThan(1e-3);
  }
  expect(own.gradients.size).toBe(expected.gradients.size - 1 + config.strides.length);
  student.dispose();
});

test('classes come in the order of the data, and what is left out learns nothing', async () => {
  const expected = await pass(built);
  for (const family of ['nanodet', 'yolov8-flat'] as const) {
    const student = await open(family, { classes: ['triangle', 'ellipse'] });
    const own = await pass(student, { order: [2, 0] });
    const weight = own.gradients.get('head.classLogits.weight') ?? [];
    expect(own.classLogits).toHaveLength((expected.classLogits.length * 2) / 3);
    const area = 12 * 8;
    for (const [channel, source] of [2, 0].entries()) {
      const part = Array.from(own.classLogits).slice(channel * area, (channel + 1) * area);
      expect(worst(part, Array.from(expected.classLogits).slice(source * area, (source + 1) * area))).toBeLessThan(
        1e-4,
      );
      const row = (all: ArrayLike<number>) => Array.from(all).slice(source * 24, (source + 1) * 24);
      expect(worst(row(weight), row(expected.gradients.get('head.classLogits.weight') ?? []))).toBeLessThan(1e-3);
    }
    expect(
      Array.from(weight)
        .slice(24, 48)
        .every((one) => one === 0),
    ).toBe(true);
    student.dispose();
  }
});
