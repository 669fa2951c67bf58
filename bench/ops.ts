/**
 * Speed of the operations on feature maps: GFLOP/s of convolutions (a multiplication and an addition are two), GB/s of group
 * normalization (each tensor counted once). Medians over fresh random data, the queue drained before and after.
 * Arguments: the number of convolutions (default all), `--cpu` for processor time instead of the clock.
 */
import { availableParallelism } from 'node:os';
import { backward, Variable } from '../src/autograd/variable.js';
import { conv2d } from '../src/ops/conv2d.js';
import { groupNorm } from '../src/ops/groupNorm.js';
import { type Device, openDevice } from '../src/tensor/device.js';
import { type LevelSize, Pyramid } from '../src/tensor/pyramid.js';
import { Random } from '../src/tensor/random.js';
import type { Tensor } from '../src/tensor/tensor.js';

const RUNS = 11;

interface Convolution {
  batch: number;
  inputs: number;
  outputs: number;
  kernel: 1 | 3;
  stride: 1 | 2;
  levels: LevelSize[];
}

const square = (size: number): LevelSize => ({ height: size, width: size });

const CONVOLUTIONS: Convolution[] = [
  { batch: 2, inputs: 64, outputs: 64, kernel: 3, stride: 1, levels: [{ height: 60, width: 80 }] },
  { batch: 2, inputs: 64, outputs: 64, kernel: 1, stride: 1, levels: [{ height: 60, width: 80 }] },
  { batch: 2, inputs: 64, outputs: 64, kernel: 3, stride: 2, levels: [{ height: 60, width: 80 }] },
  { batch: 4, inputs: 3, outputs: 16, kernel: 3, stride: 2, levels: [square(160)] },
  { batch: 4, inputs: 16, outputs: 32, kernel: 3, stride: 2, levels: [square(80)] },
  { batch: 8, inputs: 64, outputs: 128, kernel: 3, stride: 2, levels: [square(20)] },
  { batch: 8, inputs: 128, outputs: 128, kernel: 3, stride: 1, levels: [square(10)] },
  { batch: 4, inputs: 64, outputs: 64, kernel: 3, stride: 1, levels: [40, 20, 10, 5, 3].map(square) },
  { batch: 4, inputs: 64, outputs: 3, kernel: 3, stride: 1, levels: [40, 20, 10, 5, 3].map(square) },
];

const random = Random.of(1);

function noise(device: Device, shape: readonly number[]): Tensor {
  const length = shape.reduce((product, extent) => product * extent, 1);
  return device.tensor(
    Float32Array.from({ length }, () => random.uniform(-1, 1)),
    shape,
  );
}

function maps(device: Device, batch: number, channels: number, levels: readonly LevelSize[]): Pyramid {
  const area = levels.reduce((sum, { height, width }) => sum + height * width, 0);
  return Pyramid.of(noise(device, [batch * channels * area]), batch, channels, levels);
}

/** Median milliseconds of `work` after `prepare`; two runs more to compile and warm up. */
async function measure<T>(device: Device, prepare: () => T, work: (input: T) => void): Promise<number> {
  const times: number[] = [];
  // Of software adapters the process's own time, shared out to the cores, tells more than the clock where others work too.
  const cores = process.argv.includes('--cpu') ? availableParallelism() : 0;
  for (let run = -2; run < RUNS; run++) {
    const input = prepare();
    await device.settled();
    const start = performance.now();
    const before = process.cpuUsage();
    device.tidy(() => work(input));
    await device.settled();
    const { user, system } = process.cpuUsage(before);
    if (run >= 0) times.push(cores > 0 ? (user + system) / 1000 / cores : performance.now() - start);
  }
  return times.sort((a, b) => a - b)[RUNS >> 1];
}

async function benchConvolution(device: Device, shape: Convolution): Promise<string> {
  const { batch, inputs, outputs, kernel, stride, levels } = shape;
  const sizes = levels.map(({ height, width }) => ({
    height: Math.ceil(height / stride),
    width: Math.ceil(width / stride),
  }));
  const pixels = batch * sizes.reduce((sum, { height, width }) => sum + height * width, 0);
  const flop = 2 * pixels * inputs * outputs * kernel ** 2;
  const gradientOf = (inputGradient: boolean, weightGradient: boolean) =>
    measure(
      device,
      () => {
        const input = new Variable(maps(device, batch, inputs, levels), inputGradient);
        const weight = new Variable(noise(device, [outputs, inputs, kernel, kernel]), weightGradient);
        const output = conv2d(input, weight, null, { stride });
        return { variable: output, gradient: noise(device, [output.value.size]) };
      },
      (seed) => backward(seed),
    );
  const forward = await measure(
    device,
    () => ({
      input: new Variable(maps(device, batch, inputs, levels)),
      weight: new Variable(noise(device, [outputs, inputs, kernel, kernel])),
    }),
    ({ input, weight }) => conv2d(input, weight, null, { stride }),
  );
  const times = [forward, await gradientOf(true, false), await gradientOf(false, true)];
  const size = levels.map(({ height, width }) => `${height}×${width}`).join(' ');
  const name = `${kernel}×${kernel}/${stride} ${inputs}→${outputs} ${batch}×(${size})`.padEnd(44);
  const columns = times.map((ms) => `${(flop / ms / 1e6).toFixed(1).padStart(6)} (${ms.toFixed(1).padStart(6)} ms)`);
  return `conv ${name} ${columns.join('   ')}`;
}

async function benchGroupNorm(device: Device, batch: number, channels: number, levels: LevelSize[]): Promise<string> {
  const prepare = (requires: boolean) => ({
    input: new Variable(maps(device, batch, channels, levels), requires),
    scale: new Variable(noise(device, [channels]), requires),
    shift: new Variable(noise(device, [channels]), requires),
  });
  const options = { groups: channels / 4 };
  const bytes = 4 * prepare(false).input.value.size;
  const forward = await measure(
    device,
    () => prepare(false),
    ({ input, scale, shift }) => groupNorm(input, scale, shift, options),
  );
  const gradient = await measure(
    device,
    () => {
      const { input, scale, shift } = prepare(true);
      const variable = groupNorm(input, scale, shift, options);
      return { variable, gradient: noise(device, [variable.value.size]) };
    },
    (seed) => backward(seed),
  );
  const rate = (tensors: number, ms: number) =>
    `${((tensors * bytes) / ms / 1e6).toFixed(2).padStart(6)} (${ms.toFixed(1).padStart(6)} ms)`;
  const size = levels.map(({ height, width }) => `${height}×${width}`).join(' ');
  return `norm ${`${channels} ${batch}×(${size})`.padEnd(44)} ${rate(2, forward)}   ${rate(3, gradient)}`;
}

const device = await openDevice();
console.log(`${device.adapter.name} (${device.adapter.kind})`);
console.log(`${' '.repeat(50)}GFLOP/s: forward, input gradient, weight gradient`);
const only = Number(process.argv[2]);
for (const shape of CONVOLUTIONS.slice(0, Number.isNaN(only) ? undefined : only)) {
  console.log(await benchConvolution(device, shape));
}
console.log(`${' '.repeat(50)}GB/s: forward, gradients`);
console.log(await benchGroupNorm(device, 2, 64, [{ height: 60, width: 80 }]));
console.log(await benchGroupNorm(device, 4, 64, [40, 20, 10, 5, 3].map(square)));
await device.close();
