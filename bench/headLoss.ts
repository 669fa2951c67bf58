/**
 * The head loss of a training step: 8 images 640×640, strides 8 to 128, 80 classes, 17 bins, 10 boxes an image, recipe
 * `reference`. Prints the time of each kernel, of the whole, of a vec4 copy of the same minimal bytes in the same run, and of
 * the regions at 640×640 and 1280×1280. `wall` is a median around the queue; `CPU` is the process's processor time, which
 * other programs on the machine hardly change: on a software adapter it is the work done.
 * `node scripts/bench.js headLoss [software|embedded|hardware]`
 */
import copySource from '../shaders/bench/copy.wgsl';
import type { AdapterPreference } from '../src/gpu/adapter.js';
import { type Device, openDevice } from '../src/tensor/device.js';
import { BATCH, BINS, CLASSES, makeScene, type Scene } from './headScene.js';

const RUNS = 15;
const COPY = { name: 'copy', source: copySource };

/** Medians of wall and CPU milliseconds of `work`, the queue drained before and after. */
async function measure(device: Device, work: () => void): Promise<{ wall: number; cpu: number; least: number }> {
  const wall: number[] = [];
  const cpu: number[] = [];
  for (let run = -3; run < RUNS; run++) {
    await device.settled();
    const used = process.cpuUsage();
    const start = performance.now();
    device.tidy(work);
    await device.settled();
    if (run < 0) continue;
    wall.push(performance.now() - start);
    const { user, system } = process.cpuUsage(used);
    cpu.push((user + system) / 1e3);
  }
  const median = (times: number[]) => times.sort((a, b) => a - b)[RUNS >> 1];
  return { wall: median(wall), cpu: median(cpu), least: Math.min(...wall) };
}

const ms = (value: number) => value.toFixed(2).padStart(8);

function report(name: string, { wall, cpu, least }: { wall: number; cpu: number; least: number }): void {
  console.log(`${name.padEnd(34)}${ms(wall)} wall${ms(least)} least${ms(cpu)} CPU`);
}

/** Each kernel's least time over the runs. */
async function kernelTimes(device: Device, work: () => void): Promise<Map<string, number>> {
  const least = new Map<string, number>();
  for (let run = 0; run < RUNS; run++) {
    const times = await device.profile(() => device.tidy(work));
    for (const { kernel, milliseconds } of times) {
      least.set(kernel, Math.min(milliseconds, least.get(kernel) ?? Number.POSITIVE_INFINITY));
    }
  }
  return least;
}

const device = await openDevice({ adapter: (process.argv[2] ?? 'auto') as AdapterPreference });
console.log(`${device.adapter.name} (${device.adapter.kind}), milliseconds`);
const scene = makeScene(device, 640);
/** The gradients go back to the pool: a training step uses the same memory again. */
const evaluate = ({ headLoss, input }: Scene) => headLoss.evaluate(input).dispose();

/** Bytes of the pool that `work` needs at once beyond what is in use already. */
function bytesOf(work: () => void): number {
  const { heldBytes } = device.pool;
  device.tidy(work);
  return device.pool.heldBytes - heldBytes;
}

const { locations } = scene.headLoss.grid;
const gradients = [CLASSES, 4 * BINS].map((channels) => BATCH * locations * channels);
// The gradients first, so that what the evaluation takes beyond them is scratch.
bytesOf(() => {
  for (const size of gradients) device.empty([size]);
});
const dispatches = device.dispatches;
const scratch = bytesOf(() => evaluate(scene));
console.log(`dispatches ${device.dispatches - dispatches}, scratch ${(scratch / 1e6).toFixed(2)} MB`);
const whole = await measure(device, () => evaluate(scene));
report('head loss', whole);

const { vlr, label } = scene.headLoss.evaluate(scene.input).regions();
const [weights, labels] = [await vlr.read(), await label.read()];
const rows = weights.filter((weight, i) => weight > 0 || labels[i] < CLASSES).length;
// Class logits read and their gradient written, box gradient cleared, logits of both nets of the listed rows read.
const bytes = 4 * (BATCH * locations * (2 * CLASSES + 4 * BINS) + rows * 2 * 4 * BINS);
const vectors = Math.ceil(bytes / 32);
const source = device.empty([4 * vectors]);
const copied = device.empty([4 * vectors]);
const copy = await measure(device, () =>
  device.run({
    kernel: COPY,
    bindings: { source: source.range4, copied: copied.range4 },
    params: { count: vectors },
    invocations: vectors,
  }),
);
report(`copy of ${(bytes / 1e6).toFixed(0)} MB (${rows} rows)`, copy);
console.log(`ratio ${(whole.least / copy.least).toFixed(2)} least wall, ${(whole.cpu / copy.cpu).toFixed(2)} CPU`);

if (device.gpu.features.has('timestamp-query')) {
  const large = makeScene(device, 1280);
  const small = await kernelTimes(device, () => evaluate(scene));
  const big = await kernelTimes(device, () => evaluate(large));
  console.log(`${'least time of a kernel'.padEnd(34)}     640     1280`);
  for (const [kernel, time] of small) console.log(`${kernel.padEnd(34)}${ms(time)}${ms(big.get(kernel) ?? 0)}`);
}
await device.close();
