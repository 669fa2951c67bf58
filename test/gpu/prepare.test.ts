/** Kernels that are compiled before they are needed. */
import { expect, test, vi } from 'vitest';
import { wgslOf } from '../../scripts/wgsl.js';
import { DeviceError, InputError } from '../../src/util/error.js';
import { sharedDevice } from '../device.js';

const device = await sharedDevice();

const kernel = (name: string, body: string) => ({
  name,
  source: wgslOf(`@group(0) @binding(0) var<storage, read_write> values: array<f32>;
override FACTOR: f32 = 1.0;
@compute @workgroup_size(1) fn main() { ${body} }`),
});

test('the kernels of work are compiled, and nothing runs', async () => {
  const double = kernel('prepared', 'values[0] = 2.0 * FACTOR * values[0];');
  const tensor = device.tensor([3]);
  const run = (factor: number) =>
    device.run({ kernel: double, constants: { FACTOR: factor }, bindings: { values: tensor.range }, invocations: 1 });
  const create = vi.spyOn(device.gpu, 'createComputePipeline');
  const before = device.dispatches;
  const told: number[][] = [];
  const onProgress = (...counts: number[]) => void told.push(counts);
  const work = () => {
    for (const factor of [1, 2, 1]) run(factor);
  };
  await device.prepare(work, { onProgress });
  expect(told).toEqual([
    [0, 2],
    [1, 2],
    [2, 2],
  ]);
  expect([device.dispatches, ...(await tensor.read())]).toEqual([before, 3]);
  await device.prepare(work, { onProgress });
  expect(told).toHaveLength(3);
  run(2);
  expect([...(await tensor.read())]).toEqual([12]);
  expect(create).not.toHaveBeenCalled();
  create.mockRestore();
  tensor.dispose();
});

test('what is made in it is given back, and its uploads are kept', async () => {
  const used = device.pool.usedBytes;
  let kept = device.tensor([0]);
  await device.prepare(() => {
    device.zeros([1000]);
    kept.dispose();
    kept = device.keep(device.tensor([5]));
  });
  expect([...(await kept.read())]).toEqual([5]);
  kept.dispose();
  expect(device.pool.usedBytes).toBe(used);
});

test('a kernel that does not compile is named', async () => {
  const tensor = device.tensor([1]);
  const work = () =>
    device.run({ kernel: kernel('broken one', 'nonsense();'), bindings: { values: tensor.range }, invocations: 1 });
  await expect(device.prepare(work)).rejects.toThrow(DeviceError);
  await expect(device.prepare(work)).rejects.toThrow(/broken one/);
  await device.settled().catch(() => {});
  await expect(device.prepare(async () => work())).rejects.toThrow(InputError);
  tensor.dispose();
});
