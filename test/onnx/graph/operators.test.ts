import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Variable } from '../../../src/autograd/variable.js';
import { readGraph } from '../../../src/onnx/graph/plan.js';
import { replaced } from '../../../src/ops/dimensions.js';
import { Random } from '../../../src/tensor/random.js';
import { sharedDevice } from '../../device.js';
import { expectOperation } from '../../ops/operation.js';
import { at, build, type NdArray } from '../../reference/arrays.js';
import * as layout from '../../reference/layout.js';
import { groupNorm, layerNorm } from '../../reference/norms.js';
import { resize } from '../../reference/resize.js';
import { runs } from '../../runs.js';
import { Builder } from './models.js';

const device = await sharedDevice();

/** Operators whose rules put operations together: values and gradients against formulas in float64. */
interface Case {
  shapes: number[][];
  opset?: number;
  /** Makes the tensor `out` of the inputs x0, x1, …. */
  build: (b: Builder, inputs: string[]) => string;
  oracle: (...inputs: NdArray[]) => NdArray;
  seed: number;
  tolerance?: number;
  step?: number;
  /** Operators that are left. */
  steps?: string[];
}

async function check({ shapes, opset = 17, build, oracle, seed, tolerance = 1e-5, step, steps }: Case): Promise<void> {
  const b = new Builder(opset);
  const names = shapes.map((_, i) => `x${i}`);
  const output = build(b, names);
  const graph = await readGraph(b.encode(Object.fromEntries(names.map((name, i) => [name, shapes[i]])), [output]));
  if (steps) expect(graph.steps.map(({ operator }) => operator)).toEqual(steps);
  const constants = new Map(
    [...graph.constants].map(([edge, { shape, data }]) => [edge, device.tensor(Float32Array.from(data), shape)]),
  );
  for (const { name, shape, data } of graph.parameters) constants.set(name, device.tensor(data, shape));
  const compute = (xs: readonly Variable[]): Variable => {
    const values = new Map([...constants].map(([edge, tensor]) => [edge, new Variable(tensor)]));
    for (const [i, name] of names.entries()) values.set(name, xs[i]);
    for (const { inputs, outputs, run } of graph.steps) {
      const results = run(inputs.map((edge) => values.get(edge)!));
      for (const [i, edge] of outputs.entries()) values.set(edge, results[i]);
    }
    return values.get(output)!;
  };
  await expectOperation(device, {
    inputs: shapes,
    run: (...xs) => {
      if (xs.some(({ requiresGradient }) => requiresGradient)) return compute(xs);
      return new Variable(device.tidy(() => compute(xs).value));
    },
    oracle,
    tolerance,
    seed,
    ...(step && { step }),
  });
  for (const tensor of constants.values()) tensor.dispose();
}

const small = (max: number) => fc.integer({ min: 1, max });
const maps = fc.record({ batch: small(2), channels: small(3), height: small(4), width: small(5), seed: fc.nat() });
const repeated = (x: NdArray, times: number): NdArray =>
  build([x.shape[0] * times], ([i]) => x.values[Math.floor(i / times)]);

describe('operators of ONNX graphs', () => {
  it('GroupNormalization, of groups up to opset 20 and of channels from 21 on', async () => {
    await fc.assert(
      fc.asyncProperty(
        maps,
        small(3),
        fc.boolean(),
        async ({ batch, channels: members, height, width, seed }, groups, isOld) => {
          const channels = groups * members;
          const size = isOld ? groups : channels;
          await check({
            shapes: [[batch, channels, height + 1, width], [size], [size]],
            opset: isOld ? 18 : 21,
            build: (b, inputs) =>
              b.node('GroupNormalization', inputs, { num_groups: groups, epsilon: { float: 1e-2 } }),
            oracle: (x, scale, shift) => {
              const times = channels / size;
              return groupNorm(x, repeated(scale, times), repeated(shift, times), groups, Math.fround(1e-2));
            },
            seed,
            tolerance: 5e-5,
            steps: ['GroupNormalization'],
          });
        },
      ),
      runs(5),
    );
  });

  it('group norm as exporters write it, one operation', async () => {
    await fc.assert(
      fc.asyncProperty(
        maps,
        small(3),
        fc.boolean(),
        async ({ batch, channels: members, height, width, seed }, groups, isPlain) => {
          const channels = groups * members;
          await check({
            shapes: [
              [batch, channels, height + 1, width],
              [channels, 1, 1],
              [1, channels, 1, 1],
            ],
            build: (b, [x, scale, shift]) => {
              const open = b.node('Reshape', [x, b.constant([0, groups, -1], false)]);
              const filled = (value: number) => b.constant(new Array(groups).fill(value), true, [groups]);
              const norm = [open, filled(isPlain ? 1 : 2), filled(isPlain ? 0 : 0.5)];
              const normal = b.node('InstanceNormalization', norm, { epsilon: { float: 1e-2 } });
              const back = b.node('Reshape', [normal, b.constant([batch, channels, height + 1, width], false)]);
              return b.node('Add', [shift, b.node('Mul', [back, scale])]);
            },
            oracle: (x, scale, shift) => {
              const inner = (value: number) => (isPlain ? value : 2 * value);
              const factor = build([channels], ([c]) => inner(scale.values[c]));
              const addend = build([channels], ([c]) => shift.values[c] + (isPlain ? 0 : 0.5 * scale.values[c]));
              return groupNorm(x, factor, addend, groups, Math.fround(1e-2));
            },
            seed,
            tolerance: 1e-4,
            steps: ['GroupNorm'],
          });
        },
      ),
      runs(4),
    );
  });

  it('InstanceNormalization and LayerNormalization', async () => {
    await fc.assert(
      fc.asyncProperty(maps, async ({ batch, channels, height, width, seed }) => {
        await check({
          shapes: [[batch, channels, height + 1, width], [channels], [channels]],
          build: (b, inputs) => b.node('InstanceNormalization', inputs, { epsilon: { float: 1e-2 } }),
          oracle: (x, scale, shift) => groupNorm(x, scale, shift, channels, Math.fround(1e-2)),
          seed,
          tolerance: 5e-5,
        });
        const length = (height + 1) * width;
        await check({
          shapes: [
            [batch, channels, height + 1, width],
            [height + 1, width],
            [height + 1, width],
          ],
          build: (b, inputs) => b.node('LayerNormalization', inputs, { axis: -2, epsilon: { float: 1e-2 } }),
          oracle: (x, scale, shift) => {
            const rows = { shape: [batch * channels, length], values: x.values };
            return { shape: x.shape, values: layerNorm(rows, scale, shift, Math.fround(1e-2)).values };
          },
          seed,
          tolerance: 5e-5,
        });
      }),
      runs(8),
    );
  });

  it('BatchNormalization with the statistics of the file', async () => {
    await fc.assert(
      fc.asyncProperty(maps, async ({ batch, channels, height, width, seed }) => {
        const random = Random.of(seed);
        const [mean, variance] = [0, 1].map((around) =>
          Array.from({ length: channels }, () => Math.fround(around + random.uniform(-0.5, 0.5))),
        );
        await check({
          shapes: [[batch, channels, height, width], [channels], [channels]],
          build: (b, inputs) => {
            const statistics = [b.floats('mean', [channels], mean), b.floats('variance', [channels], variance)];
            return b.node('BatchNormalization', [...inputs, ...statistics], { epsilon: { float: 1e-3 } });
          },
          oracle: (x, scale, shift) =>
            build(x.shape, (index) => {
              const c = index[1];
              return ((at(x, index) - mean[c]) / Math.sqrt(variance[c] + 1e-3)) * scale.values[c] + shift.values[c];
            }),
          seed,
          tolerance: 2e-5,
        });
      }),
      runs(8),
    );
  });

  it('PRelu, of channels and of all', async () => {
    await fc.assert(
      fc.asyncProperty(maps, fc.boolean(), async ({ batch, channels, height, width, seed }, isOfChannels) => {
        await check({
          shapes: [[batch, channels, height, width], isOfChannels ? [channels, 1, 1] : [1]],
          build: (b, inputs) => b.node('PRelu', inputs),
          oracle: (x, slope) =>
            build(x.shape, (index) => {
              const value = at(x, index);
              return value > 0 ? value : value * slope.values[isOfChannels ? index[1] : 0];
            }),
          seed,
          tolerance: 2e-5,
          // Far below what is drawn, so that no value crosses 0.
          step: 1e-9,
          steps: ['PRelu'],
        });
      }),
      runs(4),
    );
  });

  it('DepthToSpace in both orders, and SpaceToDepth', async () => {
    await fc.assert(
      fc.asyncProperty(maps, small(3), async ({ batch, channels: depth, height, width, seed }, block) => {
        const shape = [batch, depth * block ** 2, height, width];
        for (const mode of ['DCR', 'CRD']) {
          await check({
            shapes: [shape],
            build: (b, inputs) => b.node('DepthToSpace', inputs, { blocksize: block, mode }),
            oracle: (x) =>
              build([batch, depth, height * block, width * block], ([image, d, y, x0]) => {
                const within = (y % block) * block + (x0 % block);
                const channel = mode === 'DCR' ? within * depth + d : d * block ** 2 + within;
                return at(x, [image, channel, Math.floor(y / block), Math.floor(x0 / block)]);
              }),
            seed,
            step: 0.5,
          });
        }
        await check({
          shapes: [[batch, depth, height * block, width * block]],
          build: (b, inputs) => b.node('SpaceToDepth', inputs, { blocksize: block }),
          oracle: (x) =>
            build(shape, ([image, channel, y, x0]) => {
              const within = Math.floor(channel / depth);
              return at(x, [
                image,
                channel % depth,
                y * block + Math.floor(within / block),
                x0 * block + (within % block),
              ]);
            }),
          seed,
          step: 0.5,
        });
      }),
      runs(6),
    );
  });

  it('Pad, as attributes and as inputs, and Gather', async () => {
    await fc.assert(
      fc.asyncProperty(maps, fc.boolean(), async ({ batch, channels, height, width, seed }, isOld) => {
        const shape = [batch, channels, height, width];
        const random = Random.of(seed);
        const [before, after] = [0, 1].map(() => shape.map(() => random.integer(3)));
        before[3] += 1;
        const value = Math.fround(random.uniform(-2, 2));
        await check({
          shapes: [shape],
          opset: isOld ? 10 : 13,
          build: (b, [x]) =>
            isOld
              ? b.node('Pad', [x], { mode: 'constant', pads: [...before, ...after], value: { float: value } })
              : b.node('Pad', [x, b.constant([...before, ...after], false), b.constant([value])], { mode: 'constant' }),
          oracle: (x) => layout.pad(x, before, after, value),
          seed,
          step: 0.5,
        });
        const chosen = Array.from({ length: 1 + random.integer(4) }, () => random.integer(width) - (isOld ? 0 : width));
        const from = (i: number) => (chosen[i] + width) % width;
        await check({
          shapes: [shape],
          build: (b, [x]) => b.node('Gather', [x, b.constant(chosen, false, [chosen.length])], { axis: 3 }),
          oracle: (x) => build(replaced(shape, 3, chosen.length), (index) => at(x, replaced(index, 3, from(index[3])))),
          seed,
          step: 0.5,
        });
      }),
      runs(4),
    );
  });

  it('Upsample of opset 9', async () => {
    await fc.assert(
      fc.asyncProperty(
        maps,
        fc.constantFrom('nearest', 'linear'),
        async ({ batch, channels, height, width, seed }, mode) => {
          await check({
            shapes: [[batch, channels, height, width]],
            opset: 9,
            build: (b, [x]) => b.node('Upsample', [x, b.floats('scales', [4], [1, 1, 2, 3])], { mode }),
            oracle: (x) =>
              resize(x, {
                height: 2 * height,
                width: 3 * width,
                mode: mode as 'nearest' | 'linear',
                coordinates: 'asymmetric',
                nearest: 'floor',
              }),
            seed,
            step: 0.5,
          });
        },
      ),
      runs(8),
    );
  });

  it('reductions over any axes, kept or not', async () => {
    const reductions: Record<string, (values: number[]) => number> = {
      ReduceMean: (values) => values.reduce((sum, one) => sum + one) / values.length,
      ReduceSum: (values) => values.reduce((sum, one) => sum + one),
      ReduceL2: (values) => Math.hypot(...values),
      ReduceMax: (values) => Math.max(...values),
      ReduceMin: (values) => Math.min(...values),
    };
    const axesOf = fc.subarray([0, 1, 2, 3], { minLength: 1 });
    for (const [operator, of] of Object.entries(reductions)) {
      await fc.assert(
        fc.asyncProperty(maps, axesOf, fc.boolean(), async ({ batch, channels, height, width, seed }, axes, isKept) => {
          const shape = [batch, channels, height, width];
          const kept = shape.flatMap((extent, axis) => (axes.includes(axis) ? (isKept ? [1] : []) : [extent]));
          await check({
            shapes: [shape],
            build: (b, [x]) =>
              b.node(operator, [x, b.constant([...axes.slice(1), axes[0] - 4], false, [axes.length])], {
                keepdims: Number(isKept),
              }),
            oracle: (x) =>
              build(kept, (index) => {
                const left = [...index];
                const from = shape.map((_, axis) =>
                  axes.includes(axis) ? (isKept ? left.shift() && 0 : 0) : left.shift()!,
                );
                const values: number[] = [];
                build(
                  shape.map((extent, axis) => (axes.includes(axis) ? extent : 1)),
                  (offset) => {
                    values.push(
                      at(
                        x,
                        from.map((one, axis) => (one ?? 0) + offset[axis]),
                      ),
                    );
                    return 0;
                  },
                );
                return of(values);
              }),
            seed,
            // Far below what is drawn, so that the largest stays the same.
            step: operator === 'ReduceL2' ? 1e-4 : 1e-9,
          });
        }),
        runs(3),
      );
    }
  });

  it.each<[string, object, (x: number) => number]>([
    ['Abs', {}, Math.abs],
    ['Softsign', {}, (x) => x / (1 + Math.abs(x))],
    ['Elu', { alpha: { float: 1.5 } }, (x) => (x > 0 ? x : 1.5 * Math.expm1(x))],
    ['Selu', {}, (x) => 1.0507009873554805 * (x > 0 ? x : 1.6732632423543772 * Math.expm1(x))],
    [
      'Gelu',
      { approximate: 'tanh' },
      (x) => 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3))),
    ],
  ])('%s', async (operator, attributes, f) => {
    await check({
      shapes: [[2, 3, 4]],
      opset: 20,
      build: (b, inputs) => b.node(operator, inputs, attributes as never),
      oracle: (x) => build(x.shape, (index) => f(at(x, index))),
      seed: 3,
      step: 1e-5,
    });
  });

  it('Pow with the exponents that are read', async () => {
    for (const exponent of [2, 3, 4, 0.5, -0.5, -1]) {
      await check({
        shapes: [[3, 4]],
        build: (b, [x]) => {
          // Above 0.
          const base = b.node('Add', [b.node('Mul', [x, x]), b.constant([0.5])]);
          return b.node('Pow', [base, b.constant([exponent])]);
        },
        oracle: (x) => build(x.shape, (index) => (at(x, index) ** 2 + 0.5) ** exponent),
        seed: 4,
        tolerance: 3e-5,
      });
    }
  });

  it.each<[string, (values: number[]) => number]>([
    ['Max', (values) => Math.max(...values)],
    ['Min', (values) => Math.min(...values)],
    ['Mean', (values) => values.reduce((sum, one) => sum + one) / values.length],
  ])('%s of several tensors, of which some are stretched, and of one and a number', async (operator, of) => {
    await check({
      shapes: [[2, 3, 4], [3, 1], [4]],
      build: (b, inputs) => b.node(operator, inputs),
      oracle: (x, y, z) => build(x.shape, ([i, j, k]) => of([at(x, [i, j, k]), at(y, [j, 0]), at(z, [k])])),
      seed: 5,
      step: 1e-9,
    });
    for (const isFirst of [false, true]) {
      await check({
        shapes: [[2, 3]],
        build: (b, [x]) => b.node(operator, isFirst ? [b.constant([0.25]), x] : [x, b.constant([0.25])]),
        oracle: (x) => build(x.shape, (index) => of([at(x, index), 0.25])),
        seed: 6,
        step: 1e-9,
      });
    }
  });
});
