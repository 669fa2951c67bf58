import { describe, expect, test, vi } from 'vitest';
import { backward } from '../../src/autograd/variable.js';
import { type DetectorConfig, type DetectorSize, detectorConfig } from '../../src/detector/config.js';
import { Detector, type DetectorOutputs } from '../../src/detector/detector.js';
import { Pyramid } from '../../src/tensor/pyramid.js';
import { Random } from '../../src/tensor/random.js';
import { sharedDevice } from '../device.js';

const device = await sharedDevice();

const SIZES: DetectorSize[] = ['tiny', 'small', 'base'];
const SMALL_IMAGE = { classes: 3, width: 64, height: 64 };

function drawImages({ width, height }: DetectorConfig, batch: number, seed = 1): Pyramid {
  const random = Random.of(seed);
  const pixels = Float32Array.from({ length: batch * 3 * height * width }, () => random.normal());
  const images = Pyramid.empty(device, batch, 3, [{ width, height }]);
  images.write(pixels);
  return images;
}

function valuesOf({ classLogits, boxLogits, features }: DetectorOutputs): Pyramid[] {
  return [classLogits.value, boxLogits.value, features.value];
}

describe('shapes', () => {
  test.each([
    { size: 'tiny', strides: [8, 16, 32], width: 96, height: 64, features: 24 },
    { size: 'small', strides: [8, 16, 32], width: 64, height: 32, features: 32 },
    { size: 'base', strides: [8, 16, 32], width: 32, height: 64, features: 48 },
    { size: 'tiny', strides: [8, 16, 32, 64, 128], width: 128, height: 256, features: 24 },
    { size: 'tiny', strides: [4, 8, 16, 32], width: 64, height: 32, features: 24 },
    { size: 'tiny', strides: [4], width: 36, height: 20, features: 24 },
    { size: 'tiny', strides: [8, 16], width: 48, height: 32, features: 24 },
  ] as const)('$size, strides $strides, $width×$height', async ({ features, ...given }) => {
    const config = detectorConfig({ ...given, classes: 5, bins: 9 });
    const detector = new Detector(device, config, { seed: 1 });
    const images = drawImages(config, 2);
    const outputs = detector.forward(images, { training: false });
    const levels = config.strides.map((stride) => [config.height / stride, config.width / stride]);
    for (const [map, channels] of [
      [outputs.classLogits.value, 5],
      [outputs.boxLogits.value, 36],
      [outputs.features.value, features],
    ] as const) {
      expect(map.batch).toBe(2);
      expect(map.channels).toBe(channels);
      expect(map.levels.map(({ height, width }) => [height, width])).toEqual(levels);
      expect((await map.read()).every(Number.isFinite)).toBe(true);
      map.dispose();
    }
    images.dispose();
    detector.dispose();
  });

  test('images of another size are refused', () => {
    const config = detectorConfig({ size: 'tiny', ...SMALL_IMAGE });
    const detector = new Detector(device, config, { seed: 1 });
    const images = drawImages({ ...config, width: 32 }, 1);
    expect(() => detector.forward(images, { training: false })).toThrow(
      /images: 3 channels of 32×64 pixels; this detector takes 3 channels of 64×64/,
    );
    images.dispose();
    detector.dispose();
  });
});

test('the number of parameters, for 20 classes', () => {
  const counts = SIZES.map((size) => {
    const detector = new Detector(device, detectorConfig({ size, ...SMALL_IMAGE, classes: 20 }), { seed: 1 });
    const { count, names, decayedElements } = detector.parameters;
    expect(new Set(names).size).toBe(names.length);
    expect(decayedElements).toBeGreaterThan(0.9 * count);
    detector.dispose();
    return count;
  });
  expect(counts).toEqual([107_811, 380_235, 1_425_355]);
});

test('untrained, every class has the prior score of 0.01 and every edge is near the middle bin', async () => {
  const config = detectorConfig({ size: 'small', ...SMALL_IMAGE });
  const detector = new Detector(device, config, { seed: 1 });
  const images = drawImages(config, 1);
  const outputs = detector.forward(images, { training: false });
  for (const x of await outputs.classLogits.value.read()) expect(Math.abs(x + 4.595)).toBeLessThan(0.5);
  for (const z of await outputs.boxLogits.value.read()) expect(Math.abs(z)).toBeLessThan(0.5);
  for (const map of [images, ...valuesOf(outputs)]) map.dispose();
  detector.dispose();
});

describe('gradients', () => {
  /** Outputs of a training pass and weights v of the scalar L = Σ v·output. */
  function weightsFor(outputs: DetectorOutputs): Float32Array[] {
    const random = Random.of(3);
    return valuesOf(outputs).map(({ size }) => Float32Array.from({ length: size }, () => random.uniform(-1, 1)));
  }

  async function project(detector: Detector, images: Pyramid, weights: Float32Array[]): Promise<number> {
    const maps = valuesOf(detector.forward(images, { training: false }));
    let sum = 0;
    for (const [index, map] of maps.entries()) {
      const values = await map.read();
      for (let i = 0; i < values.length; i++) sum += values[i] * weights[index][i];
      map.dispose();
    }
    return sum;
  }

  function seedsOf(outputs: DetectorOutputs, weights: Float32Array[]) {
    const variables = [outputs.classLogits, outputs.boxLogits, outputs.features];
    return variables.map((variable, index) => ({ variable, gradient: device.tensor(weights[index]) }));
  }

  test.each([
    { size: 'tiny', strides: [8, 16, 32], width: 64, height: 64 },
    { size: 'base', strides: [8, 16, 32, 64], width: 64, height: 64 },
  ] as const)('every parameter of $size gets one', async (given) => {
    const config = detectorConfig({ classes: 3, ...given });
    const detector = new Detector(device, config, { seed: 4 });
    const images = drawImages(config, 2);
    const outputs = detector.forward(images, { training: true });
    backward(seedsOf(outputs, weightsFor(outputs)));
    const gradients = detector.parameters.split((await detector.parameters.gradients.read()) as Float32Array);
    for (const [name, { data }] of gradients) {
      expect(data.every(Number.isFinite), name).toBe(true);
      expect(
        data.some((value) => value !== 0),
        name,
      ).toBe(true);
    }
    images.dispose();
    detector.dispose();
  });

  test('of the whole tiny detector equal central differences', async () => {
    const config = detectorConfig({ size: 'tiny', ...SMALL_IMAGE });
    const detector = new Detector(device, config, { seed: 5 });
    const { parameters } = detector;
    const images = drawImages(config, 1);
    const outputs = detector.forward(images, { training: true });
    const weights = weightsFor(outputs);
    backward(seedsOf(outputs, weights));
    const gradients = parameters.split((await parameters.gradients.read()) as Float32Array);
    const flat = (await parameters.values.read()) as Float32Array;
    const original = flat.slice();

    // The direction of a parameter's own gradient: one number for all its elements, as large as it can be.
    for (const name of parameters.names) {
      const part = parameters.split(flat).get(name)!;
      const start = part.data.slice();
      const gradient = gradients.get(name)!.data;
      const length = Math.hypot(...gradient);
      const step = 2e-3;
      const at = async (distance: number): Promise<number> => {
        part.data.set(start.map((value, index) => value + (distance * gradient[index]) / length));
        parameters.values.write(flat);
        return project(detector, images, weights);
      };
      const numeric = ((await at(step)) - (await at(-step))) / (2 * step);
      part.data.set(start);
      // 2 %: some ReLU changes side within the step, and f32 rounding of the sum against the smallest gradients.
      expect(Math.abs(numeric / length - 1), `${name}: ${numeric} against ${length}`).toBeLessThan(0.02);
    }
    expect(flat).toEqual(original);
    images.dispose();
    detector.dispose();
  });
});

test('the same seed gives the same bits, another seed does not', async () => {
  const config = detectorConfig({ size: 'small', ...SMALL_IMAGE });
  const images = drawImages(config, 2);
  const run = async (seed: number) => {
    const detector = new Detector(device, config, { seed });
    const outputs = detector.forward(images, { training: true });
    const values = await Promise.all(valuesOf(outputs).map((map) => map.read()));
    const ones = device.tensor(new Float32Array(outputs.boxLogits.value.size).fill(1));
    backward({ variable: outputs.boxLogits, gradient: ones });
    const gradients = await detector.parameters.gradients.read();
    detector.dispose();
    return [...values, gradients];
  };
  const first = await run(6);
  expect(await run(6)).toEqual(first);
  expect((await run(7))[0]).not.toEqual(first[0]);
  images.dispose();
});

test('with and without a graph the outputs are the same bits', async () => {
  const config = detectorConfig({ size: 'tiny', ...SMALL_IMAGE });
  const detector = new Detector(device, config, { seed: 8 });
  const images = drawImages(config, 2);
  const read = async (training: boolean) => {
    const outputs = valuesOf(detector.forward(images, { training }));
    return Promise.all(outputs.map((map) => map.read()));
  };
  expect(await read(false)).toEqual(await read(true));
});

describe('memory', () => {
  test('a pass without a graph leaves only the outputs', () => {
    const config = detectorConfig({ size: 'base', ...SMALL_IMAGE });
    const detector = new Detector(device, config, { seed: 9 });
    const images = drawImages(config, 2);
    const before = device.pool.usedBytes;
    const outputs = detector.forward(images, { training: false });
    for (const { requiresGradient, parents } of [outputs.classLogits, outputs.boxLogits, outputs.features]) {
      expect(requiresGradient).toBe(false);
      expect(parents).toEqual([]);
    }
    for (const map of valuesOf(outputs)) map.dispose();
    expect(device.pool.usedBytes).toBe(before);
    images.dispose();
    detector.dispose();
  });

  test('a pass with a graph leaves nothing after backward', () => {
    const config = detectorConfig({ size: 'tiny', ...SMALL_IMAGE, strides: [8, 16, 32, 64] });
    const before = device.pool.usedBytes;
    const detector = new Detector(device, config, { seed: 10 });
    const images = drawImages(config, 2);
    const kept = device.pool.usedBytes;
    const outputs = detector.forward(images, { training: true });
    const variables = [outputs.classLogits, outputs.boxLogits, outputs.features];
    const seeds = variables.map((variable) => ({ variable, gradient: device.zeros(variable.value.shape) }));
    backward(seeds);
    for (const { gradient } of seeds) gradient.dispose();
    expect(device.pool.usedBytes).toBe(kept);
    images.dispose();
    detector.dispose();
    expect(device.pool.usedBytes).toBe(before);
  });
});

test('a batch that no kernel of the device can see is refused before anything is recorded, with the largest that fits', () => {
  const config = detectorConfig({ ...SMALL_IMAGE, size: 'tiny' });
  const detector = new Detector(device, config, { seed: 1 });
  const run = vi.spyOn(device, 'run');
  // As if there were so many images: no device could hold them.
  const images = Object.assign(Pyramid.empty(device, 1, 3, [{ width: 64, height: 64 }]), { batch: 1e7 });
  for (const training of [false, true]) {
    expect(() => detector.forward(images, { training })).toThrow(/^batch: .*The largest batch that fits is \d+\.$/);
  }
  const [, largest] = /fits is (\d+)/.exec(message(() => detector.assertFits(1e7, { training: true }))) ?? [];
  expect(() => detector.assertFits(Number(largest), { training: true })).not.toThrow();
  expect(() => detector.assertFits(Number(largest) + 1, { training: true })).toThrow(/The largest batch/);
  expect(run).not.toHaveBeenCalled();
  run.mockRestore();
  images.dispose();
  detector.dispose();
});

function message(work: () => void): string {
  try {
    work();
    return '';
  } catch (error) {
    return (error as Error).message;
  }
}
