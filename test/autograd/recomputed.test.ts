import fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import { recomputed } from '../../src/autograd/recomputed.js';
import { backward, backwardByLeaf, Variable } from '../../src/autograd/variable.js';
import { silu } from '../../src/ops/activation.js';
import { add } from '../../src/ops/add.js';
import { reshape } from '../../src/ops/layout.js';
import { Random } from '../../src/tensor/random.js';
import { sharedDevice } from '../device.js';
import { noise } from '../ops/maps.js';

const device = await sharedDevice();
const SIZE = 300;

/** A step of a drawn graph: which earlier variables it takes, and from where on it is one of a part. */
interface Node {
  operation: 'add' | 'silu' | 'reshape';
  left: number;
  right: number;
}

const node = fc.record<Node>({
  operation: fc.constantFrom('add', 'silu', 'reshape'),
  left: fc.nat(),
  right: fc.nat(),
});

function applied({ operation, left, right }: Node, variables: readonly Variable[]): Variable {
  const [one, other] = [left, right].map((at) => variables[at % variables.length]);
  if (operation === 'add') return add(one, other);
  return operation === 'silu' ? silu(one) : reshape(one, one.value.shape);
}

/** Every node takes what came before in its part, and what the part was given: results of parts, an input without gradient, parameters. */
async function gradients(parts: readonly (readonly Node[])[], isRecomputed: boolean) {
  const random = Random.of(3);
  const leaves = [0, 1, 2, 3].map((i) => new Variable(device.tensor(noise(random, SIZE)), i > 0));
  const [input, learning, ...parameters] = leaves;
  const incoming = device.tensor(noise(random, SIZE));
  const before = device.pool.usedBytes;
  // What is computed of constants alone, or taken by nobody, goes with the tidy.
  const value = device.tidy(() => {
    let given: Variable[] = [input, learning];
    for (const nodes of parts) {
      const of = (own: readonly Variable[]): Variable => {
        const known = [...own, ...parameters];
        for (const one of nodes) known.push(applied(one, known));
        return silu(known[known.length - 1]);
      };
      const result = isRecomputed ? recomputed(given, of) : of(given);
      // The next part takes two results, as a residual does.
      given = [given[given.length - 1], result];
    }
    const last = add(given[1], silu(learning));
    last.retained = true;
    backward({ variable: last, gradient: incoming });
    return last.value;
  });
  const values = await value.read();
  value.dispose();
  const found = await Promise.all(leaves.map(({ gradient }) => gradient?.read()));
  for (const { gradient } of leaves) gradient?.dispose();
  expect(device.pool.usedBytes).toBe(before);
  incoming.dispose();
  for (const { value } of leaves) value.dispose();
  return { values, found };
}

test('results are the same bits, gradients those of a sum in another order, and all memory goes back', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(node, { minLength: 1, maxLength: 6 }), { minLength: 1, maxLength: 4 }),
      async (parts) => {
        const [plain, again] = [await gradients(parts, false), await gradients(parts, true)];
        expect(again.values).toEqual(plain.values);
        for (const [i, gradient] of again.found.entries()) {
          const expected = plain.found[i];
          expect(gradient === undefined).toBe(expected === undefined);
          const scale = Math.max(...(expected ?? [1]).map(Math.abs));
          // A leaf that three take or more: parts add up theirs first.
          for (const [k, value] of (gradient ?? []).entries()) {
            expect(Math.abs(value - (expected?.[k] ?? 0))).toBeLessThan(1e-5 * scale);
          }
        }
      },
    ),
    { numRuns: 40 },
  );
});

test('nothing that lies between is kept; of is called again, and inside it once more', async () => {
  const x = new Variable(device.tensor([0.5, -1]), true);
  const y = new Variable(device.tensor([2, 3]), true);
  const inner = vi.fn(([own]: readonly Variable[]) => silu(add(silu(own), y)));
  const of = vi.fn(([own]: readonly Variable[]) => silu(recomputed([silu(own)], inner)));
  const plain = silu(silu(add(silu(silu(x)), y)));
  const before = device.pool.usedBytes;
  const result = recomputed([x], of);
  expect(device.pool.usedBytes - before).toBe(256);
  expect(await result.value.read()).toEqual(await plain.value.read());
  expect([of.mock.calls.length, inner.mock.calls.length]).toEqual([1, 1]);
  const seed = device.tensor([1, -2]);
  const leaves = [...backwardByLeaf({ variable: result, gradient: seed })];
  expect(new Set(leaves)).toEqual(new Set([x, y]));
  expect([of.mock.calls.length, inner.mock.calls.length]).toEqual([2, 3]);
  const found = await Promise.all([x, y].map(({ gradient }) => gradient!.read()));
  for (const leaf of [x, y]) leaf.gradient = null;
  backward({ variable: plain, gradient: seed });
  expect(found).toEqual(await Promise.all([x, y].map(({ gradient }) => gradient!.read())));
  expect(seed.disposed).toBe(false);
});

test('an input given twice, one without a gradient, and one that is the result', async () => {
  const x = new Variable(device.tensor([1, 2]), true);
  const c = new Variable(device.tensor([5, 5]));
  const same = recomputed([x], ([own]) => own);
  expect(same.value).not.toBe(x.value);
  const sum = recomputed([x, x, c, same], ([a, b, constant, last]) => add(add(a, add(b, b)), add(constant, last)));
  expect(Array.from(await sum.value.read())).toEqual([9, 13]);
  backward({ variable: sum, gradient: device.tensor([1, 10]) });
  expect(Array.from(await x.gradient!.read())).toEqual([4, 40]);
  expect([c.gradient, x.value.disposed, same.value.disposed]).toEqual([null, false, true]);
  const constant = recomputed([c], ([own]) => silu(own));
  expect([constant.requiresGradient, constant.parents.length]).toEqual([false, 0]);
});

test('an input that no gradient reaches lives until the part is computed again', async () => {
  const x = new Variable(device.tensor([1, 2]), true);
  const y = new Variable(device.tensor([3, 4]), true);
  const unused = silu(x);
  const part = recomputed([unused, y], ([_, own]) => silu(own));
  // The gradient of `unused` by its other way comes before the part's.
  backward({ variable: add(part, silu(unused)), gradient: device.tensor([1, 1]) });
  expect(x.gradient!.size).toBe(2);
  const found = await y.gradient!.read();
  y.gradient = null;
  backward({ variable: silu(y), gradient: device.tensor([1, 1]) });
  expect(found).toEqual(await y.gradient!.read());
});

test('what is no variable is named', () => {
  const x = new Variable(device.tensor([1]));
  expect(() => recomputed([], () => x)).toThrow(/^inputs: \[\]; expected an array of variables/);
  expect(() => recomputed([x.value as never], () => x)).toThrow(
    /^inputs\[0\]: a tensor of shape \[1\]; give new Variable/,
  );
  expect(() => recomputed([x], () => x.value as never)).toThrow(/^of, its result: a tensor of shape \[1\]/);
  expect(() => recomputed([x], (async () => x) as never)).toThrow(/^of: /);
});
