import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkGradients } from '../../src/autograd/checkGradients.js';
import { backward, Variable } from '../../src/autograd/variable.js';
import { localizationLosses } from '../../src/losses/localizationLosses.js';
import { Pyramid } from '../../src/tensor/pyramid.js';
import { InputError } from '../../src/util/error.js';
import { sharedDevice } from '../device.js';
import { integral } from '../reference/bins.js';
import { expectClose } from '../reference/closeTo.js';
import { distributionFocalLoss } from '../reference/distributionFocalLoss.js';
import { temperatureKL } from '../reference/temperatureKL.js';
import { normals, RUNS, rowOf, uniforms } from './rowCases.js';

const device = await sharedDevice();

interface Drawn {
  rows: number;
  bins: number;
  seed: number;
  scale: number;
  temperature: number;
  weighted: boolean;
  averageFactor: number;
  factorOnGpu: boolean;
}

const drawn = fc.record({
  rows: fc.oneof(fc.constant(0), fc.constant(1), fc.integer({ min: 2, max: 200 })),
  bins: fc.constantFrom(2, 17, 33),
  seed: fc.nat(),
  scale: fc.constantFrom(0.2, 2, 20),
  temperature: fc.constantFrom(1, 2.5, 10),
  weighted: fc.boolean(),
  averageFactor: fc.constantFrom(4, 0.7, 0),
  factorOnGpu: fc.boolean(),
});

const [DFL_WEIGHT, LD_WEIGHT] = [0.25, 2];

/** Random inputs, rows of bins, a third of the weights zero. */
function inputsOf({ rows, bins, seed, scale, weighted }: Drawn) {
  return {
    student: normals(seed, rows * bins, scale),
    teacher: normals(seed + 1, rows * bins, scale),
    distances: uniforms(seed + 2, rows, -2, bins + 2),
    weights: weighted ? uniforms(seed + 3, rows, -0.5, 1).map((w) => Math.max(0, w)) : new Float32Array(rows).fill(1),
  };
}

function oracle({ rows, bins, temperature, averageFactor }: Drawn, inputs: ReturnType<typeof inputsOf>) {
  const { student, teacher, distances, weights } = inputs;
  const gradient = new Float64Array(rows * bins);
  const expected = new Float64Array(rows);
  let [dfl, ld] = [0, 0];
  for (let row = 0; row < rows; row++) {
    const z = rowOf(student, row, bins);
    const focal = distributionFocalLoss(z, distances[row]);
    const divergence = temperatureKL(z, rowOf(teacher, row, bins), temperature);
    const share = averageFactor === 0 ? 0 : weights[row] / averageFactor;
    dfl += share * DFL_WEIGHT * focal.loss;
    ld += share * LD_WEIGHT * divergence.loss;
    expected[row] = integral(z);
    for (let k = 0; k < bins; k++) {
      gradient[row * bins + k] = share * (DFL_WEIGHT * focal.gradient[k] + LD_WEIGHT * divergence.gradient[k]);
    }
  }
  return { dfl, ld, expected, gradient };
}

/** From rows of edges (image, location, edge) to a map's channels. */
function toMap(values: Float32Array, [area, edges, columns]: number[]): Float32Array<ArrayBuffer> {
  return Float32Array.from(values, (_, i) => {
    const [location, rest] = [i % area, Math.floor(i / area)];
    const [channel, image] = [rest % (edges * columns), Math.floor(rest / (edges * columns))];
    const [column, edge] = [channel % columns, Math.floor(channel / columns)];
    return values[((image * area + location) * edges + edge) * columns + column];
  });
}

/**
 * As for the single losses: the end of DFL's clamp, K − 1.1, is rounded to f32 (2e-6), and ln p of its two bins differ by some
 * `scale`; a sum of rows has as many such errors. An expected edge sums up to 33 products of a bin up to 32 and a probability
 * whose logit, up to 5 · scale, is rounded to 6e-8 of itself.
 */
const closeTo = ({ rows, scale, averageFactor }: Drawn) => {
  const row = (5e-6 * (1 + scale)) / (averageFactor || 1);
  return {
    gradient: { absolute: row, relative: 1e-5 },
    loss: { absolute: row * Math.max(1, rows), relative: 1e-5 },
    expected: { absolute: 1e-5 * (1 + scale), relative: 1e-5 },
  };
};

test('rows equal the oracle', () =>
  fc.assert(
    fc.asyncProperty(drawn, async (problem) => {
      const { rows, bins, temperature, weighted, averageFactor, factorOnGpu } = problem;
      const inputs = inputsOf(problem);
      const wanted = oracle(problem, inputs);
      const close = closeTo(problem);
      const leaf = new Variable(device.tensor(inputs.student, [rows, bins]), true);
      const { total, dfl, ld, expected } = localizationLosses(
        leaf,
        { teacher: device.tensor(inputs.teacher, [rows, bins]), distances: device.tensor(inputs.distances, [rows]) },
        {
          ...(weighted && { weights: device.tensor(inputs.weights, [rows]) }),
          averageFactor: factorOnGpu ? device.tensor([averageFactor], [1]) : averageFactor,
          dflWeight: DFL_WEIGHT,
          ldWeight: LD_WEIGHT,
          temperature,
        },
      );
      expectClose(await dfl.read(), [wanted.dfl], close.loss, 'DFL');
      expectClose(await ld.read(), [wanted.ld], close.loss, 'LD');
      expectClose(await total.value.read(), [wanted.dfl + wanted.ld], close.loss, 'total');
      expectClose(await expected.read(), wanted.expected, close.expected, 'expected');
      backward({ variable: total, gradient: device.tensor([1.5], []) });
      expectClose(
        await leaf.gradient!.read(),
        wanted.gradient.map((g) => 1.5 * g),
        close.gradient,
        'gradient',
      );
    }),
    RUNS,
  ));

test('maps equal rows of the same edges, on every level', () =>
  fc.assert(
    fc.asyncProperty(
      fc.record({
        batch: fc.integer({ min: 1, max: 3 }),
        height: fc.integer({ min: 1, max: 9 }),
        width: fc.integer({ min: 1, max: 9 }),
      }),
      fc.constantFrom(2, 17),
      fc.nat(),
      async ({ batch, height, width }, bins, seed) => {
        const levels = [
          { height, width },
          { height: 3, width: 5 },
        ];
        const problem = {
          bins,
          seed,
          scale: 2,
          temperature: 10,
          weighted: false,
          averageFactor: 4,
          factorOnGpu: false,
        };
        const parts = levels.map((level, index) => {
          const area = level.height * level.width;
          const one = { ...problem, seed: seed + 10 * index, rows: 4 * batch * area };
          const inputs = inputsOf(one);
          return { area, inputs, wanted: oracle(one, inputs) };
        });
        const packed = (channels: number, pick: (part: (typeof parts)[number]) => Float32Array) =>
          Pyramid.of(
            device.tensor(parts.flatMap((part) => [...toMap(pick(part), [part.area, 4, channels / 4])])),
            batch,
            channels,
            levels,
          );
        const leaf = new Variable(
          packed(4 * bins, ({ inputs }) => inputs.student),
          true,
        );
        const { total, expected } = localizationLosses(
          leaf,
          {
            teacher: packed(4 * bins, ({ inputs }) => inputs.teacher),
            distances: packed(4, ({ inputs }) => inputs.distances),
          },
          { averageFactor: 4, dflWeight: DFL_WEIGHT, ldWeight: LD_WEIGHT },
        );
        const close = closeTo({ ...problem, rows: parts.reduce((sum, { area }) => sum + 4 * batch * area, 0) });
        const sum = parts.reduce((all, { wanted }) => all + wanted.dfl + wanted.ld, 0);
        expectClose(await total.value.read(), [sum], close.loss, 'total');
        backward({ variable: total });
        const mapped = (pick: (part: (typeof parts)[number]) => Float64Array, columns: number) =>
          parts.flatMap((part) => [...toMap(Float32Array.from(pick(part)), [part.area, 4, columns])]);
        expectClose(
          await expected.read(),
          mapped(({ wanted }) => wanted.expected, 1),
          close.expected,
          'expected',
        );
        expectClose(
          await leaf.gradient!.read(),
          mapped(({ wanted }) => wanted.gradient, bins),
          close.gradient,
          'gradient',
        );
      },
    ),
    RUNS,
  ));

test('the gradient is the central difference', async () => {
  const targets = {
    teacher: device.tensor(normals(3, 4 * 17, 1), [4, 17]),
    distances: device.tensor([0, 3.3, 15.9, 7]),
  };
  const check = await checkGradients(
    (input) => localizationLosses(input, targets, { ldWeight: 0.5 }).total,
    [device.tensor(normals(2, 4 * 17, 1), [4, 17])],
  );
  expect(check.relative).toBeLessThan(2e-3);
});

describe('extremes', () => {
  test('logits of ±10⁴ give finite losses and gradients', async () => {
    const values = uniforms(1, 8 * 17, -1, 1).map((x) => (x < 0 ? -1e4 : 1e4));
    const leaf = new Variable(device.tensor(values, [8, 17]), true);
    const { total } = localizationLosses(leaf, {
      teacher: device.tensor(uniforms(2, 8 * 17, -1e4, 1e4), [8, 17]),
      distances: device.tensor(uniforms(3, 8, 0, 16)),
    });
    const loss = await total.value.read();
    backward({ variable: total });
    for (const value of [...loss, ...(await leaf.gradient!.read())]) {
      expect(Number.isFinite(value)).toBe(true);
    }
  });

  test('the same inputs give the same bits', async () => {
    const inputs = inputsOf({
      rows: 999,
      bins: 17,
      seed: 5,
      scale: 2,
      temperature: 10,
      weighted: true,
      averageFactor: 4,
      factorOnGpu: false,
    });
    const run = async () => {
      const leaf = new Variable(device.tensor(inputs.student, [999, 17]), true);
      const { total } = localizationLosses(
        leaf,
        { teacher: device.tensor(inputs.teacher, [999, 17]), distances: device.tensor(inputs.distances) },
        { weights: device.tensor(inputs.weights) },
      );
      const loss = await total.value.read();
      backward({ variable: total });
      return [...loss, ...(await leaf.gradient!.read())];
    };
    expect(await run()).toEqual(await run());
  });
});

describe('bad input', () => {
  const rows = () => new Variable(device.zeros([3, 17]), true);
  const targets = () => ({ teacher: device.zeros([3, 17]), distances: device.zeros([3]) });
  test.each([
    [
      'a teacher of other bins',
      () => localizationLosses(rows(), { ...targets(), teacher: device.zeros([3, 16]) }),
      /teacher/,
    ],
    [
      'too few distances',
      () => localizationLosses(rows(), { ...targets(), distances: device.zeros([2]) }),
      /distances/,
    ],
    [
      'weights of another length',
      () => localizationLosses(rows(), targets(), { weights: device.zeros([4]) }),
      /weights/,
    ],
    ['temperature 0', () => localizationLosses(rows(), targets(), { temperature: 0 }), /temperature/],
    [
      '65 bins',
      () => localizationLosses(new Variable(device.zeros([3, 65])), { ...targets(), teacher: device.zeros([3, 65]) }),
      /65 bins/,
    ],
  ])('%s', (_name, run, message) => {
    expect(run).toThrow(InputError);
    expect(run).toThrow(message);
  });
});
