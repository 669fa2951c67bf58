/** Batches beyond what a kernel of the device can see: refused from shapes, on devices that do not exist. */
import { describe, expect, test } from 'vitest';
import { detectorConfig } from '../../src/detector/config.js';
import { HeadLoss } from '../../src/losses/headLoss.js';
import { resolveRecipe } from '../../src/losses/recipe.js';
import { Device } from '../../src/tensor/device.js';
import { Pyramid } from '../../src/tensor/pyramid.js';
import { assertOutputsFit, assertStepFits, sizesOf, splitBatch } from '../../src/train/fits.js';
import { trainSettings } from '../../src/train/settings.js';
import type { Teacher } from '../../src/train/teacher.js';
import { trainingWorkloads } from '../../src/train/workloads.js';
import { InputError } from '../../src/util/error.js';

/** WebGPU's guaranteed limits, or those given. Whatever would reach the GPU throws. */
function deviceOf(limits: object = {}): Device {
  const gpu = {
    limits: {
      maxStorageBufferBindingSize: 2 ** 27,
      maxBufferSize: 2 ** 28,
      minStorageBufferOffsetAlignment: 256,
      ...limits,
    },
    features: new Set(),
    lost: new Promise(() => {}),
    addEventListener: () => {},
  };
  return new Device(gpu as unknown as GPUDevice, { name: 'the adapter', kind: 'adopted', source: '' });
}

const refusal = (work: () => unknown): InputError => {
  try {
    work();
  } catch (error) {
    if (error instanceof InputError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
};
const largestIn = ({ message }: Error) => Number(/The largest batch that fits is (\d+)[.;]/.exec(message)?.[1]);

const config = detectorConfig({ size: 'base', classes: 20, width: 640, height: 480 });
const settings = trainSettings();
const step = (recipe: string) => ({
  net: sizesOf(config),
  recipe: resolveRecipe(recipe),
  settings,
  teacher: recipe === 'gfocal' ? null : { config, featureChannels: 48 },
});

describe('a training step', () => {
  test.each([
    ['gfocal', 4096, {}],
    ['gfocal', 1e12, {}],
    ['main-kd+main-ld+vlr-ld', 100, {}],
    ['gfocal', 4096, { maxStorageBufferBindingSize: 2 ** 29, maxBufferSize: 2 ** 28 }],
  ])('%s, a batch of %d: the largest that fits does, one more does not', (recipe, batch, limits) => {
    const device = deviceOf(limits);
    const fits = (images: number) => () => assertStepFits(device, { ...step(recipe), batch: images });
    const error = refusal(fits(batch));
    expect(error.message).toMatch(
      /^batch: with \d+ images of 640×480, a training step needs \d+ bytes .* the adapter /,
    );
    expect(error.message).toMatch(
      'maxBufferSize' in limits ? /sees 268435456 \(maxBufferSize\)/ : /sees 134217728 \(max/,
    );
    const largest = largestIn(error);
    expect(largest).toBeGreaterThan(10);
    expect(fits(largest)).not.toThrow();
    expect(largestIn(refusal(fits(largest + 1)))).toBe(largest);
  });

  test('twice the limit, twice the batch; a teacher counts', () => {
    const [once, twice] = [2 ** 27, 2 ** 28].map((maxStorageBufferBindingSize) =>
      largestIn(
        refusal(() => assertStepFits(deviceOf({ maxStorageBufferBindingSize }), { ...step('gfocal'), batch: 4096 })),
      ),
    );
    expect(Math.abs(twice - 2 * once)).toBeLessThan(2);
    const tiny = { ...step('main-ld'), net: sizesOf({ ...config, size: 'tiny' as const }), batch: 4096 };
    const alone = { ...tiny, recipe: resolveRecipe('gfocal'), teacher: null };
    const [own, taught] = [alone, tiny].map((sizes) => largestIn(refusal(() => assertStepFits(deviceOf(), sizes))));
    expect(taught).toBe(once);
    expect(own).toBeGreaterThan(taught);
  });

  test('the remedy has the images of the batch that was asked for, and fits', () => {
    const remedy =
      /; batch (\d+) with accumulate (\d+) \(--batch (\d+) --accumulate (\d+)\) learns from (\d+) images a step, too\.$/;
    for (const [batch, accumulate, shares] of [
      [64, 1, 1],
      [60, 3, 1],
      [61, 1, 1],
      [48, 2, 4],
    ]) {
      const sizes = { ...step('gfocal'), net: sizesOf({ ...config, width: 1280, height: 1280 }), shares };
      const settings = trainSettings({ accumulate });
      const error = refusal(() => assertStepFits(deviceOf(), { ...sizes, settings, batch }));
      const [, part, times, ...again] = remedy.exec(error.message)!.map(Number);
      expect(again).toEqual([part, times, batch * accumulate * shares]);
      expect(part * times).toBe(batch * accumulate * shares);
      expect(part / shares).toBeLessThanOrEqual(largestIn(error));
      expect(() => assertStepFits(deviceOf(), { ...sizes, batch: part / shares })).not.toThrow();
      const asked = trainSettings({ batch: batch * shares, accumulate });
      expect(splitBatch(deviceOf(), { ...sizes, settings: asked })).toEqual({ batch: part, accumulate: times });
    }
  });

  test('a batch is not split where it fits, not even one image does, processes cannot share it, or its parts would teach something else', () => {
    const split = (batch: number, given = {}) =>
      splitBatch(deviceOf(), { ...step('gfocal'), settings: trainSettings({ batch }), ...given });
    expect(split(8)).toBeNull();
    const huge = detectorConfig({ size: 'tiny', classes: 1, width: 8192, height: 8192 });
    expect(split(8, { net: sizesOf(huge) })).toBeNull();
    expect(split(3, { shares: 2 })).toBeNull();
    expect(split(100)).not.toBeNull();
    for (const other of [
      { scale: 'batch' as const },
      { imitation: { method: 'pkd' as const, weight: 1 } },
      { imitation: { method: 'cwd' as const, norm: 'batch' as const, weight: 1 } },
    ]) {
      const { teacher } = step('main-ld');
      expect(split(100, { teacher, recipe: resolveRecipe(other) })).toBeNull();
    }
  });

  test('workgroups are limited, too', () => {
    const small = detectorConfig({ size: 'tiny', classes: 1, width: 32, height: 32 });
    const device = deviceOf({ maxStorageBufferBindingSize: 2 ** 40, maxBufferSize: 2 ** 40 });
    const error = refusal(() => assertStepFits(device, { ...step('gfocal'), net: sizesOf(small), batch: 60_000 }));
    expect(error.message).toMatch(/needs \d+ workgroups in one dimension; a dispatch has at most 65535/);
    expect(largestIn(error)).toBeGreaterThan(1000);
  });

  test('not even one image', () => {
    const huge = detectorConfig({ size: 'tiny', classes: 1, width: 8192, height: 8192 });
    const error = refusal(() => assertStepFits(deviceOf(), { ...step('gfocal'), net: sizesOf(huge), batch: 1 }));
    expect(error.message).toMatch(/Not even one image fits: make the images smaller\.$/);
  });

  test('is checked before workloads are drawn', () => {
    expect(largestIn(refusal(() => trainingWorkloads(deviceOf(), config, 1e9)))).toBeGreaterThan(10);
  });
});

test('a teacher that runs elsewhere, by its outputs', () => {
  const { size: _, ...shared } = config;
  const teacher = { device: deviceOf(), config: shared, featureChannels: 0 } as unknown as Teacher;
  const error = refusal(() => assertOutputsFit('the teacher', teacher, 4096));
  expect(error.message).toMatch(/the teacher needs \d+ bytes/);
  expect(() => assertOutputsFit('the teacher', teacher, largestIn(error))).not.toThrow();
});

describe('the head loss', () => {
  const options = {
    classes: 80,
    bins: 17,
    strides: [8, 16, 32],
    imageSize: { width: 640, height: 640 },
    recipe: 'gfocal',
  };
  test('refuses a batch whose class logits or lists no kernel can see', () => {
    const error = refusal(() => new HeadLoss(deviceOf(), { ...options, batch: 512 }));
    expect(error.message).toMatch(/^batch: 512 images of 8400 locations and 80 classes take 1376256000 bytes/);
    expect(largestIn(error)).toBe(Math.floor(2 ** 27 / (4 * 80 * 8400)));
    expect(() => new HeadLoss(deviceOf(), { ...options, batch: largestIn(error) })).not.toThrow();
    expect(() => new HeadLoss(deviceOf(), { ...options, classes: 1, batch: 1e6 })).toThrow(/that fits is 998\.$/);
  });
});

describe('a tensor', () => {
  test.each([
    [[64, 8400, 68], /^tensor: shape \[64,8400,68\] takes 146227200 bytes; .* 134217728 .* \[58,8400,68\] would fit/],
    [[2 ** 40], /\[33554432\] would fit/],
    [[1, 2 ** 30], /no part of its first dimension fits/],
  ])('of shape %j', (shape, message) => {
    expect(() => deviceOf().empty(shape)).toThrow(message);
    expect(() => deviceOf().zeros(shape)).toThrow(InputError);
    expect(() => deviceOf().tensor({ length: shape.reduce((a, b) => a * b) }, shape)).toThrow(message);
  });

  test('of maps', () => {
    const sizes = [{ width: 160, height: 160 }];
    expect(() => Pyramid.empty(deviceOf(), 100, 64, sizes)).toThrow(/^pyramid: .*\[20,64,25600\] would fit/);
  });
});
