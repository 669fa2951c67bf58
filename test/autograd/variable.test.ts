import { describe, expect, test } from 'vitest';
import { checkGradients } from '../../src/autograd/checkGradients.js';
import { ParameterStore } from '../../src/autograd/parameters.js';
import { backward, Variable } from '../../src/autograd/variable.js';
import { silu } from '../../src/ops/activation.js';
import { add } from '../../src/ops/add.js';
import type { Tensor } from '../../src/tensor/tensor.js';
import { sharedDevice } from '../device.js';

const device = await sharedDevice();

const read = async (tensor: Tensor | null): Promise<number[]> => Array.from((await tensor?.read()) ?? []);

describe('backward', () => {
  test('a value that is used several times gathers its gradients', async () => {
    const x = new Variable(device.tensor([1, 2, 3]), true);
    const y = new Variable(device.tensor([4, 5, 6]), true);
    // ((x + y) + x) + (x + y) = 3x + 2y
    const sum = add(x, y);
    backward({ variable: add(add(sum, x), sum), gradient: device.tensor([1, 10, 100]) });
    expect(await read(x.gradient)).toEqual([3, 30, 300]);
    expect(await read(y.gradient)).toEqual([2, 20, 200]);
  });

  test('gradients of several passes and several seeds add up', async () => {
    const x = new Variable(device.tensor([1, 2]), true);
    for (let pass = 0; pass < 2; pass++) {
      const first = add(x, x);
      backward([
        { variable: first, gradient: device.tensor([1, 0]) },
        { variable: add(x, x), gradient: device.tensor([0, 5]) },
      ]);
    }
    expect(await read(x.gradient)).toEqual([4, 20]);
  });

  test('a leaf with a gradient buffer adds to it in place', async () => {
    const x = new Variable(device.tensor([1, 2]), true);
    const own = device.tensor([100, 200]);
    x.gradient = own;
    backward({ variable: add(x, x), gradient: device.tensor([1, 1]) });
    expect(x.gradient).toBe(own);
    expect(await read(own)).toEqual([102, 202]);
  });

  test("what follows a leaf's gradient in its buffer stays as it is", async () => {
    const x = new Variable(device.tensor([1, 2, 3]), true);
    const whole = device.tensor([0, 0, 0, 7, 8]);
    x.gradient = whole.view([3]);
    const padded = device.tensor([1, 10, 100, 1000]);
    backward({ variable: x, gradient: padded.view([3]) });
    expect(await read(whole)).toEqual([1, 10, 100, 7, 8]);
  });

  test('constants build no graph and get no gradient', async () => {
    const x = new Variable(device.tensor([1]), true);
    const c = new Variable(device.tensor([2]));
    expect(add(c, c).isLeaf).toBe(true);
    backward({ variable: add(x, c) });
    expect(await read(x.gradient)).toEqual([1]);
    expect(c.gradient).toBeNull();
    expect(() => backward({ variable: c })).toThrow(/does not depend on a leaf/);
  });

  test('memory goes back, but for leaves, seeds and what is retained', () => {
    const x = new Variable(device.tensor([1, 2]), true);
    x.gradient = device.zeros([2]);
    const seed = device.tensor([1, 1]);
    const before = device.pool.usedBytes;
    const middle = silu(x);
    const kept = add(middle, x);
    kept.retained = true;
    backward({ variable: add(kept, middle), gradient: seed });
    expect(seed.disposed).toBe(false);
    expect(middle.value.disposed).toBe(true);
    expect(kept.value.disposed).toBe(false);
    kept.value.dispose();
    expect(device.pool.usedBytes).toBe(before);
  });

  test('a chain deeper than the call stack', async () => {
    const x = new Variable(device.tensor([1]), true);
    let y: Variable = x;
    for (let i = 0; i < 20_000; i++) y = Variable.from(y.value, [y], (gradient) => [gradient]);
    backward({ variable: y });
    expect(await read(x.gradient)).toEqual([1]);
  });

  test('gradients that do not fit are named', () => {
    const x = new Variable(device.tensor([1, 2]), true);
    expect(() => backward({ variable: add(x, x) })).toThrow(/give a gradient of shape \[2\]/);
    expect(() => backward({ variable: add(x, x), gradient: device.tensor([1]) })).toThrow(/shape \[1\].*shape \[2\]/);
    const other = new Variable(device.tensor([1, 2, 3]), true);
    expect(() => add(x, other)).toThrow(/shapes \[2\] and \[3\] differ/);
  });
});

describe('checkGradients', () => {
  test('a right gradient passes, a wrong one is seen', async () => {
    const values = device.tensor([0.3, -1.2, 2.5, 0.01]);
    const right = await checkGradients((x) => silu(x), [values]);
    expect(right.relative).toBeLessThan(1e-3);
    const wrong = await checkGradients((x) => Variable.from(silu(x).value, [x], (gradient) => [gradient]), [values]);
    expect(wrong.relative).toBeGreaterThan(0.1);
    expect(await read(values)).toEqual([...new Float32Array([0.3, -1.2, 2.5, 0.01])]);
  });
});

describe('ParameterStore', () => {
  const declare = (name: string, shape: number[], decay: boolean, value: number) => {
    const size = shape.reduce((product, extent) => product * extent, 1);
    return { name, shape, decay, initial: new Float32Array(size).fill(value) };
  };
  const DECLARATIONS = [
    declare('bias', [3], false, 1),
    declare('weight', [2, 5], true, 2),
    declare('other', [70], true, 3),
  ];

  test('one buffer, decayed parameters first, padding zero', async () => {
    const store = new ParameterStore(device, DECLARATIONS);
    expect(store.count).toBe(83);
    const flat = Float32Array.from(await store.values.read());
    const parts = store.split(flat);
    expect([...parts.keys()]).toEqual(['bias', 'weight', 'other']);
    expect([...(parts.get('weight')?.data ?? [])]).toEqual(new Array(10).fill(2));
    expect(flat.subarray(0, store.decayedElements).reduce((sum, x) => sum + x, 0)).toBe(20 + 210);
    expect(flat.reduce((sum, x) => sum + x, 0)).toBe(20 + 210 + 3);
    expect(store.join(parts)).toEqual(flat);
    store.dispose();
  });

  test('gradients arrive in the flat buffer', async () => {
    const store = new ParameterStore(device, DECLARATIONS);
    const bias = store.get('bias');
    backward({ variable: add(bias, bias), gradient: device.tensor([1, 2, 3]) });
    const { data } = store.split(Float32Array.from(await store.gradients.read())).get('bias')!;
    expect([...data]).toEqual([2, 4, 6]);
    store.zeroGradients();
    expect((await store.gradients.read()).every((x) => x === 0)).toBe(true);
    expect(store.frozen('bias').requiresGradient).toBe(false);
    store.dispose();
  });

  test('what does not fit is named', () => {
    expect(() => new ParameterStore(device, [DECLARATIONS[0], DECLARATIONS[0]])).toThrow(
      /parameter bias: declared twice/,
    );
    const short = { ...DECLARATIONS[0], initial: new Float32Array(2) };
    expect(() => new ParameterStore(device, [short])).toThrow(/parameter bias: 2 initial values for the shape \[3\]/);
    const store = new ParameterStore(device, DECLARATIONS);
    expect(() => store.get('nothing')).toThrow(/parameter nothing/);
    expect(() => store.join(new Map())).toThrow(/parameter bias: it is missing/);
    const parts = new Map(DECLARATIONS.map(({ name, initial }) => [name, { shape: [1], data: initial }]));
    expect(() => store.join(parts)).toThrow(/parameter bias: shape \[1\]; this model has \[3\]/);
    store.dispose();
  });
});
