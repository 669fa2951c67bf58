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

test('any batch: inference gives for each image what it gives for the batch, and all memory back', async () => {
  const student = await open('picodet');
  const run = async (batch: number, from: number) => {
    const pixels = drawn(3 * 3 * 96 * 64, 1).slice(from * 3 * 96 * 64, (from + batch) * 3 * 96 * 64);
    const input = device.tensor(pixels);
    const outputs = student.forward(Pyramid.of(input, batch, 3, [SIZE]), { training: false });
    const found = await outputs.boxLogits.value.read();
    for (const { value } of Object.values(outputs)) value.dispose();
    input.dispose();
    return found;
  };
  const [all, last] = [await run(3, 0), await run(1, 2)];
  const area = 36 * 12 * 8;
  expect(worst(last.slice(0, area), all.slice(2 * area, 3 * area))).toBeLessThan(1e-6);
  await device.settled();
  const before = device.pool.usedBytes;
  await run(3, 0);
  await device.settled();
  expect(device.pool.usedBytes).toBe(before);
  student.dispose();
});

test('images that do not fit are told before anything runs', async () => {
  const student = await open('yolov8');
  const images = (channels: number, { width, height } = SIZE) =>
    Pyramid.empty(device, 1, channels, [{ width, height }]);
  const [grey, small, whole] = [images(1), images(3, { width: 64, height: 64 }), images(3)];
  const training = { training: true };
  expect(() => student.forward(grey, training)).toThrow(
    /images: 1 channels of 96×64 .*yolov8 takes 3 channels of 96×64/,
  );
  expect(() => student.forward(small, training)).toThrow(/3 channels of 64×64/);
  expect(() => student.forward(whole, { ...training, tower: 1 })).toThrow(
    /options.tower: 1; an ONNX model has no towers/,
  );
  expect(() => student.assertFits(1e6, training)).toThrow(/batch: with 1000000 images of 96×64, yolov8 needs/);
  for (const one of [grey, small, whole]) one.dispose();
  student.dispose();
});

test.each<[string, Family, Parameters<typeof open>[1], RegExp]>([
  ['an unknown class', 'gfocal', { classes: ['ellipse', 'star'] }, /no class for star; open it with new classes/],
  ['a class without a channel', 'gfocal', { classMap: { triangle: null } }, /no class for triangle/],
  ['logits behind a sigmoid', 'nanodet', { scores: 'logits' }, /nanodet: the classes of output come out of a Sigmoid/],
  [
    'no sigmoid',
    'yolov8',
    { scores: 'probabilities' },
    /probabilities, but no Sigmoid .* made by Conv; .*"scores": "logits"/,
  ],
  ['other strides', 'nanodet', { strides: [8, 16] }, /output: shape \[1, 126, 39\]/],
  ['other bins', 'yolov8', { bins: 8 }, /shape \[1, 39, 8, 12\]; BCHW of boxes and classes \(35 channels\)/],
  [
    'features that are no maps',
    'gfocal',
    { features: ['boxes', 'boxes', 'boxes'] },
    /features: boxes has the shape \[1,126,4\]/,
  ],
  [
    'another input',
    'gfocal',
    { input: { name: 'data', order: 'rgb', white: 1, mean: [0, 0, 0], deviation: [1, 1, 1] } },
    /gfocal has the inputs x, not data/,
  ],
])('%s: what the mapping has wrong is told', async (_, family, rename, message) => {
  await expect(open(family, rename)).rejects.toThrow(message);
});
