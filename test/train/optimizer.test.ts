import { describe, expect, test } from 'vitest';
import { type ParameterDeclaration, ParameterStore } from '../../src/autograd/parameters.js';
import { Random } from '../../src/tensor/random.js';
import { Optimizer, type OptimizerSettings } from '../../src/train/optimizer.js';
import { sharedDevice } from '../device.js';

const device = await sharedDevice();

const random = Random.of(7);
const normals = (count: number) => Float32Array.from({ length: count }, () => random.normal());
const declare = (name: string, size: number, decay: boolean): ParameterDeclaration => ({
  name,
  shape: [size],
  decay,
  initial: normals(size),
});
const declarations = [declare('bias', 5, false), declare('weight', 700, true), declare('scale', 3, false)];

/** The same in float64, parameter by parameter; written from the definitions of torch.optim.SGD and AdamW. */
class Oracle {
  readonly values = declarations.map(({ initial }) => Float64Array.from(initial));
  readonly average = this.values.map((values) => values.slice());
  readonly first = this.values.map((values) => new Float64Array(values.length));
  readonly second = this.values.map((values) => new Float64Array(values.length));
  updates = 0;

  constructor(readonly settings: OptimizerSettings) {}

  update(gradients: Float32Array[], rate: number): void {
    const { optimizer, momentum, weightDecay, clip, ema } = this.settings;
    const t = ++this.updates;
    const norm = Math.hypot(...gradients.flatMap((list) => [...list]));
    if (!Number.isFinite(norm)) return;
    const scale = clip > 0 ? Math.min(1, clip / (norm + 1e-6)) : 1;
    this.values.forEach((values, p) => {
      const lambda = declarations[p].decay ? weightDecay : 0;
      for (let i = 0; i < values.length; i++) {
        const g = scale * gradients[p][i];
        if (optimizer === 'sgd') {
          this.first[p][i] = momentum * this.first[p][i] + g + lambda * values[i];
          values[i] -= rate * this.first[p][i];
        } else {
          this.first[p][i] = 0.9 * this.first[p][i] + 0.1 * g;
          this.second[p][i] = 0.999 * this.second[p][i] + 0.001 * g * g;
          values[i] *= 1 - rate * lambda;
          const m = this.first[p][i] / (1 - 0.9 ** t);
          const v = this.second[p][i] / (1 - 0.999 ** t);
          values[i] -= (rate * m) / (Math.sqrt(v) + 1e-8);
        }
        const decay = Math.min(ema, (1 + t) / (10 + t));
        this.average[p][i] = decay * this.average[p][i] + (1 - decay) * values[i];
      }
    });
  }
}

function setGradients(store: ParameterStore, gradients: Float32Array[]): void {
  for (const [p, { name }] of declarations.entries()) store.get(name).gradient?.write(gradients[p]);
}

function expectClose(actual: Float32Array, expected: Float64Array, what: string): void {
  const worst = actual.reduce((most, value, i) => Math.max(most, Math.abs(value - expected[i])), 0);
  // Values of order 1 (up to 4) in float32, a few roundings each of 8 steps.
  expect(worst, what).toBeLessThan(4e-6);
}

const base: OptimizerSettings = { optimizer: 'sgd', momentum: 0.9, weightDecay: 0.05, clip: 0, ema: 0.5 };
const cases: [string, OptimizerSettings][] = [
  ['SGD', base],
  ['SGD, clipped', { ...base, clip: 3 }],
  ['SGD without momentum, decay or average', { ...base, momentum: 0, weightDecay: 0, ema: 0 }],
  ['AdamW', { ...base, optimizer: 'adamw' }],
  ['AdamW, clipped', { ...base, optimizer: 'adamw', clip: 3 }],
];

describe.each(cases)('%s', (_, settings) => {
  test('eight steps equal the float64 oracle', async () => {
    const store = new ParameterStore(device, declarations);
    const optimizer = new Optimizer(store, settings);
    const oracle = new Oracle(settings);
    let norm = 0;
    for (let step = 0; step < 8; step++) {
      const gradients = declarations.map(({ initial }) => normals(initial.length));
      norm = Math.hypot(...gradients.flatMap((list) => [...list]));
      const rate = 0.01 * (1 + step);
      optimizer.begin(rate);
      setGradients(store, gradients);
      optimizer.update();
      oracle.update(gradients, rate);
    }
    const parts = store.split((await store.values.read()) as Float32Array);
    const averages = optimizer.average && store.split((await optimizer.average.read()) as Float32Array);
    declarations.forEach(({ name }, p) => {
      expectClose(parts.get(name)!.data, oracle.values[p], `${name}`);
      if (averages) expectClose(averages.get(name)!.data, oracle.average[p], `average of ${name}`);
    });
    const control = await optimizer.readControl();
    expect(control.skipped).toBe(0);
    expect(Math.abs(control.norm - norm) / norm).toBeLessThan(1e-6);
    optimizer.dispose();
    store.dispose();
  });
});

test('in usingAverage the parameters are their average, and afterwards themselves again', async () => {
  const store = new ParameterStore(device, declarations);
  const optimizer = new Optimizer(store, { ...base, ema: 0.5 });
  optimizer.begin(0.1);
  setGradients(
    store,
    declarations.map(({ initial }) => normals(initial.length)),
  );
  optimizer.update();
  const [trained, average] = [await store.values.read(), await optimizer.average!.read()];
  expect(trained).not.toEqual(average);
  expect(await optimizer.usingAverage(() => store.values.read())).toEqual(average);
  expect(await store.values.read()).toEqual(trained);
  optimizer.dispose();
  store.dispose();
});

describe.each([
  Number.NaN,
  Number.POSITIVE_INFINITY,
  Number.NEGATIVE_INFINITY,
  3e30, // finite, but its square is not
])('a gradient of %f', (value) => {
  test('skips the whole update once, and says so', async () => {
    const store = new ParameterStore(device, declarations);
    const optimizer = new Optimizer(store, { ...base, clip: 1 });
    const oracle = new Oracle(optimizer.settings);
    for (let step = 0; step < 3; step++) {
      const gradients = declarations.map(({ initial }) => normals(initial.length));
      if (step === 1) gradients[1][699] = value;
      optimizer.begin(0.1);
      setGradients(store, gradients);
      optimizer.update();
      if (step === 1) oracle.updates++;
      else oracle.update(gradients, 0.1);
    }
    const parts = store.split((await store.values.read()) as Float32Array);
    for (const [p, { name }] of declarations.entries()) expectClose(parts.get(name)!.data, oracle.values[p], name);
    expect((await optimizer.readControl()).skipped).toBe(1);
    expect((await optimizer.readControl()).skipped).toBe(0);
    optimizer.dispose();
    store.dispose();
  });
});
