import { describe, expect, test } from 'vitest';
import { ParameterStore } from '../../src/autograd/parameters.js';
import { applyGroups } from '../../src/train/groups.js';
import { Optimizer, type OptimizerSettings } from '../../src/train/optimizer.js';
import { InputError } from '../../src/util/error.js';
import { sharedDevice } from '../device.js';

const device = await sharedDevice();

const NAMES = ['backbone.0.weight', 'backbone.0.bias', 'backbone.10.weight', 'head.class.weight'];
const sizes = [64, 3, 70, 129];
const store = () =>
  new ParameterStore(
    device,
    NAMES.map((name, i) => {
      const initial = Float32Array.from({ length: sizes[i] }, (_, k) => 1 + k / 16);
      return { name, shape: [sizes[i]], decay: name.endsWith('weight'), initial };
    }),
  );

const none = { freeze: [], learningRates: [] };

test('patterns: * is any characters, ? one, everything else itself; the last rate that matches counts', () => {
  const parameters = store();
  const learningRates = [
    { parameters: 'backbone.*', factor: 0.1 },
    { parameters: '*.bias', factor: 2 },
  ];
  expect(Object.fromEntries(applyGroups(parameters, { ...none, learningRates }))).toEqual({
    'backbone.0.weight': 0.1,
    'backbone.0.bias': 2,
    'backbone.10.weight': 0.1,
  });
  const isFrozen = (pattern: string) => {
    applyGroups(parameters, { ...none, freeze: [pattern] });
    return NAMES.map((name) => !parameters.get(name).requiresGradient);
  };
  expect(isFrozen('backbone.?.*')).toEqual([true, true, false, false]);
  expect(isFrozen('head.class.weight')).toEqual([false, false, false, true]);
  applyGroups(parameters, none);
  expect(NAMES.every((name) => parameters.get(name).requiresGradient)).toBe(true);
  parameters.dispose();
});

test.each([
  ['freeze', 'backbon.*', /^freeze: no parameter matches backbon\.\*; there are backbone\.0\.weight, .* \* stands for/],
  ['freeze', 'head', /there are head\.class\.weight, backbone\.0\.weight/],
  ['freeze', 'backbone[.]0*', /no parameter matches/],
  ['freeze', '*', /^freeze: \* match all 4 parameters, so that nothing learns/],
  ['learningRates', 'neck.*', /^learningRates: no parameter matches neck/],
])('%s %s is refused', (field, pattern, message) => {
  const parameters = store();
  const given = field === 'freeze' ? { freeze: [pattern] } : { learningRates: [{ parameters: pattern, factor: 0.5 }] };
  expect(() => applyGroups(parameters, { ...none, ...given })).toThrow(message);
  expect(() => applyGroups(parameters, { ...none, ...given })).toThrow(InputError);
  parameters.dispose();
});

const settings: OptimizerSettings = { optimizer: 'adamw', momentum: 0.9, weightDecay: 0.05, clip: 0, ema: 0.9 };

describe.each<OptimizerSettings['optimizer']>(['sgd', 'adamw'])('%s', (optimizer) => {
  /** Four updates by gradients that depend on step, parameter and element. */
  async function trained(groups: Parameters<typeof applyGroups>[1], rate: number, accumulate = 1, clip = 0) {
    const parameters = store();
    const factors = applyGroups(parameters, groups);
    const own = new Optimizer(parameters, { ...settings, optimizer, accumulate, clip }, factors);
    for (let step = 0; step < 4; step++) {
      own.begin(rate);
      const sum = Array.from({ length: parameters.gradients.size }, (_, i) => accumulate * Math.sin(3 * i + step));
      parameters.gradients.write(Float32Array.from(sum));
      for (const name of NAMES) {
        const leaf = parameters.get(name);
        if (!leaf.requiresGradient) zero(parameters, name);
      }
      own.update();
    }
    const { norm } = await own.readControl();
    const flat = [parameters.values, own.average ?? parameters.values];
    const [values, average] = await Promise.all(
      flat.map(async (tensor) => parameters.split((await tensor.read()) as Float32Array)),
    );
    own.dispose();
    parameters.dispose();
    return {
      values: (name: string) => values.get(name)?.data,
      average: (name: string) => average.get(name)?.data,
      norm,
    };
  }

  test('frozen parameters keep their bits, weight decay and average included; the others do not notice', async () => {
    const groups = { ...none, freeze: ['backbone.*'] };
    const { values, average } = await trained(groups, 0.1);
    const plain = await trained(none, 0.1);
    const initial = (i: number) => Float32Array.from({ length: sizes[i] }, (_, k) => 1 + k / 16);
    for (const i of [0, 1, 2]) {
      expect(values(NAMES[i])).toEqual(initial(i));
      expect(average(NAMES[i])).toEqual(initial(i));
    }
    expect(values(NAMES[3])).toEqual(plain.values(NAMES[3]));
    expect(plain.values(NAMES[0])).not.toEqual(initial(0));
  });

  test('a factor is that of the learning rate, decay included', async () => {
    const learningRates = [{ parameters: 'backbone.*', factor: 0.25 }];
    const { values } = await trained({ ...none, learningRates }, 0.1);
    const [quarter, whole] = [await trained(none, 0.025), await trained(none, 0.1)];
    for (const i of [0, 1, 2]) {
      // 0.25 · 0.1 is rounded once more than 0.025.
      const wanted = quarter.values(NAMES[i]) ?? [];
      for (const [k, value] of values(NAMES[i])?.entries() ?? []) {
        expect(Math.abs(value - wanted[k])).toBeLessThan(1e-6);
      }
    }
    expect(values(NAMES[3])).toEqual(whole.values(NAMES[3]));
  });

  test.each([0, 1])('the mean of accumulated gradients is the update, norm and clipping %f included', async (clip) => {
    const [four, one] = [await trained(none, 0.1, 4, clip), await trained(none, 0.1, 1, clip)];
    expect(Math.abs(four.norm - one.norm) / one.norm).toBeLessThan(1e-6);
    // Factors of two are exact.
    for (const name of NAMES) expect(four.values(name)).toEqual(one.values(name));
  });
});

function zero(parameters: ParameterStore, name: string): void {
  const { value } = parameters.get(name);
  const from = value.offset - parameters.values.offset;
  parameters.gradients.view([value.size], from / 4).write(new Float32Array(value.size));
}
