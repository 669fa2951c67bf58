import { expect, test } from 'vitest';
import { backward, Variable } from '../../src/autograd/variable.js';
import { detectorConfig } from '../../src/detector/config.js';
import { Detector } from '../../src/detector/detector.js';
import { Pyramid } from '../../src/tensor/pyramid.js';
import { Random } from '../../src/tensor/random.js';
import { sharedDevice } from '../device.js';
import { expectClose } from '../reference/closeTo.js';

const device = await sharedDevice();
const config = detectorConfig({ size: 'base', classes: 3, bins: 5, width: 64, height: 32 });
const detector = new Detector(device, config, { seed: 1 });

const random = Random.of(7);
const draw = (length: number) => Float32Array.from({ length }, () => random.normal());
const images = Pyramid.empty(device, 2, 3, [config]);
images.write(draw(images.size));
const read = async ({ value }: Variable) => (await value.read()) as Float32Array;

test.each([1, 2, 3])(
  'the rest of a head makes the same logits of its own features of convolution %d',
  async (tower) => {
    const own = detector.forward(images, { training: false, tower });
    const plain = detector.forward(images, { training: false });
    const crossed = detector.finishHead({ classTower: own.classTower!, boxTower: own.boxTower! }, tower);
    for (const name of ['classLogits', 'boxLogits'] as const) {
      const expected = await plain[name].value.read();
      expect(await own[name].value.read()).toEqual(expected);
      expect(await crossed[name].value.read()).toEqual(expected);
    }
    // Before the activation.
    expect((await own.classTower!.value.read()).some((x) => x < 0)).toBe(true);
  },
);

test('with `training` the features are part of the graph; without `tower` there are none', async () => {
  expect(detector.forward(images, { training: false }).classTower).toBeUndefined();
  detector.parameters.zeroGradients();
  const { classTower, classLogits } = detector.forward(images, { training: true, tower: 2 });
  const zero = device.zeros([classLogits.value.size]);
  const seed = device.tensor(draw(classTower!.value.size));
  backward([
    { variable: classLogits, gradient: zero },
    { variable: classTower!, gradient: seed },
  ]);
  const gradients = detector.parameters.split((await detector.parameters.gradients.read()) as Float32Array);
  const sizeOf = (name: string) => Math.max(...gradients.get(name)!.data.map(Math.abs));
  expect(sizeOf('head.class2.conv.weight')).toBeGreaterThan(0);
  expect(sizeOf('head.class3.conv.weight')).toBe(0);
});

test('gradients flow through a frozen head into the features, and not into its weights', async () => {
  const own = detector.forward(images, { training: false, tower: 2 });
  const [features, boxes] = [await read(own.classTower!), own.boxTower!];
  const like = own.classTower!.value;
  // A random direction of the output, so that one number has a derivative.
  const direction = draw(own.classLogits.value.size);
  const logitsOf = (values: Float32Array) => {
    const map = Pyramid.empty(device, like.batch, like.channels, like.levels);
    map.write(values);
    const variable = new Variable(map, true);
    return { variable, logits: detector.finishHead({ classTower: variable, boxTower: boxes }, 2).classLogits };
  };
  detector.parameters.zeroGradients();
  const { variable, logits } = logitsOf(features);
  backward([{ variable: logits, gradient: device.tensor(direction) }]);
  const gradient = (await variable.gradient!.read()) as Float32Array;
  expect((await detector.parameters.gradients.read()).every((x) => x === 0)).toBe(true);

  // Along the gradient, where the slope is large beside f32's rounding.
  const largest = Math.max(...gradient.map(Math.abs));
  const along = gradient.map((g) => g / largest);
  const step = 1e-2;
  const valueAt = async (t: number) => {
    const values = await read(logitsOf(features.map((x, i) => x + t * along[i])).logits);
    return values.reduce((sum, x, i) => sum + x * direction[i], 0);
  };
  const slope = ((await valueAt(step)) - (await valueAt(-step))) / (2 * step);
  const expected = gradient.reduce((sum, g, i) => sum + g * along[i], 0);
  // ReLUs switch within the step.
  expectClose([slope], [expected], { relative: 2e-2, absolute: 1e-4 }, 'slope');
});

test('convolutions that are not there', () => {
  expect(() => detector.forward(images, { training: false, tower: 4 })).toThrow(
    /^options\.tower: 4; the towers of a base detector have 3 convolutions/,
  );
  const { classTower, boxTower } = detector.forward(images, { training: false, tower: 1 });
  const towers = { classTower: classTower!, boxTower: boxTower! };
  expect(() => detector.finishHead(towers, 4)).toThrow(/^from: 4; the towers/);
  expect(() => detector.finishHead(towers, 0)).toThrow(/^from: 0/);
  const narrow = new Detector(device, { ...config, size: 'tiny' }, { seed: 1 });
  expect(() => narrow.finishHead(towers, 1)).toThrow(/^classTower: 48 channels; this detector's towers have 24/);
});
