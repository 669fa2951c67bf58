import { addTensors } from '../autograd/sum.js';
import { HeadLoss } from '../losses/headLoss.js';
import { uploadTruth } from '../regions/truth.js';
import type { Device } from '../tensor/device.js';
import { Pyramid } from '../tensor/pyramid.js';

/** No multiple of a vec4 or a workgroup, so the kernel's bounds are tested too. */
const ELEMENTS = 1_000_003;
const TOLERANCE = 1e-5;

export interface SelfTestResult {
  passed: boolean;
  milliseconds: number;
  checks: { name: string; passed: boolean; milliseconds: number; detail: string }[];
}

/** Runs a few kernels whose results are known without them. The times include compiling. */
export async function selfTest(device: Device): Promise<SelfTestResult> {
  const checks: SelfTestResult['checks'] = [];
  for (const { name, run } of [
    { name: 'addition', run: checkAddition },
    { name: 'head loss', run: checkHeadLoss },
  ]) {
    const started = performance.now();
    const differences = await run(device);
    const worst = Math.max(...differences);
    const milliseconds = performance.now() - started;
    const detail = `largest relative difference ${worst.toExponential(1)}`;
    checks.push({ name, passed: worst <= TOLERANCE, milliseconds, detail });
  }
  return {
    passed: checks.every(({ passed }) => passed),
    milliseconds: checks.reduce((sum, check) => sum + check.milliseconds, 0),
    checks,
  };
}

/** i + 2 i = 3 i, exact in f32 below 2²⁴. */
async function checkAddition(device: Device): Promise<number[]> {
  const left = Float32Array.from({ length: ELEMENTS }, (_, i) => i);
  const sums = await device.tidy(() => addTensors(device.tensor(left), device.tensor(left.map((i) => 2 * i))).read());
  return [sums.every((sum, i) => sum === 3 * i) ? 0 : Number.MAX_VALUE];
}

/**
 * A head loss with known terms: one object, one level, a student whose logits are all 0. Then every edge's distribution is
 * uniform and every score ½, so DFL is ln(bins) for any target, and LD and KD compare the teacher with the uniform
 * distribution at each of the P positives.
 */
async function checkHeadLoss(device: Device): Promise<number[]> {
  const [classes, bins, side] = [3, 8, 16];
  const headLoss = new HeadLoss(device, {
    classes,
    bins,
    strides: [8],
    imageSize: { width: 8 * side, height: 8 * side },
    batch: 1,
    recipe: 'reference',
  });
  const classLogit = (c: number) => 2 * c - 1;
  const boxLogit = (channel: number) => Math.sin(channel % bins) * 5;
  const [{ terms }, labels] = await device.tidy(() => {
    const maps = (channels: number, logit: (channel: number) => number) => {
      const values = Float32Array.from({ length: channels * side * side }, (_, i) => logit(Math.floor(i / side ** 2)));
      return Pyramid.of(device.tensor(values), 1, channels, headLoss.grid.levels);
    };
    const truth = uploadTruth(device, { boxes: [20, 30, 90, 100], labels: [1], images: [0] }, { batch: 1, classes });
    const { regions, read } = headLoss.evaluate({
      student: { classLogits: maps(classes, () => 0), boxLogits: maps(4 * bins, () => 0) },
      teacher: { classLogits: maps(classes, classLogit), boxLogits: maps(4 * bins, boxLogit) },
      truth,
    });
    return Promise.all([read(), regions().label.read()]);
  });
  const positives = labels.filter((label) => label !== classes).length;
  const { ld, kd, dfl } = headLoss.recipe;
  const expected = {
    loss_dfl: dfl.weight * Math.log(bins),
    loss_ld: ld.main * 0.5 * positives * divergence(bins, boxLogit, ld.temperature),
    loss_kd: kd.main * divergence(classes, classLogit, kd.temperature),
  };
  return Object.entries(expected).map(([name, value]) => {
    const [computed] = terms[name as keyof typeof expected];
    return Math.abs(computed - value) / value;
  });
}

/** (T² / K) Σ p ln(p K) with p = softmax(logits / T): the temperature KL of a teacher and a uniform student. */
function divergence(count: number, logit: (index: number) => number, temperature: number): number {
  const powers = Array.from({ length: count }, (_, index) => Math.exp(logit(index) / temperature));
  const sum = powers.reduce((total, power) => total + power, 0);
  const terms = powers.map((power) => (power / sum) * Math.log((power / sum) * count));
  return (temperature ** 2 / count) * terms.reduce((total, term) => total + term, 0);
}
