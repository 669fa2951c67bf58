import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { backward, Variable } from '../../src/autograd/variable.js';
import {
  bestScores,
  channelWiseDistillation,
  pearsonImitation,
  scoreWeightedImitation,
} from '../../src/losses/featureDistillation.js';
import { type LevelSize, Pyramid } from '../../src/tensor/pyramid.js';
import type { Tensor } from '../../src/tensor/tensor.js';
import { sharedDevice } from '../device.js';
import { expectClose } from '../reference/closeTo.js';
import * as reference from '../reference/featureDistillation.js';
import { normals, RUNS, uniforms } from './rowCases.js';

const device = await sharedDevice();

interface Problem {
  batch: number;
  channels: number;
  sizes: LevelSize[];
  seed: number;
  /** Deviation of the features, and how far their mean is from 0. */
  scale: number;
  shift: number;
}

const side = fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 12 }));
const problem: fc.Arbitrary<Problem> = fc.record({
  batch: fc.integer({ min: 1, max: 3 }),
  channels: fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 20 })),
  sizes: fc.array(fc.record({ height: side, width: side }), { minLength: 1, maxLength: 5 }),
  seed: fc.nat(1e6),
  scale: fc.constantFrom(0.3, 1, 5),
  shift: fc.constantFrom(0, 20),
});

const locationsOf = ({ batch, sizes }: Problem) =>
  batch * sizes.reduce((sum, { height, width }) => sum + height * width, 0);

/** Features of both nets and scores of the locations. */
function draw(given: Problem) {
  const { channels, seed, scale, shift } = given;
  const locations = locationsOf(given);
  const features = (at: number) => normals(seed + at, locations * channels, scale).map((x) => x + shift);
  return { student: features(0), teacher: features(1), scores: uniforms(seed + 2, locations, 0, 1).map((a) => a ** 8) };
}

type Drawn = ReturnType<typeof draw>;

function pyramid(values: Float32Array, { batch, channels, sizes }: Problem): Pyramid {
  return Pyramid.of(device.tensor(values), batch, channels, sizes);
}

type Oracle = (
  student: ArrayLike<number>,
  teacher: ArrayLike<number>,
  sizes: reference.FeatureSizes,
  scores: ArrayLike<number>,
) => reference.FeatureLoss;

const normalised =
  (oracle: Oracle): Oracle =>
  (student, teacher, sizes, scores) =>
    reference.afterBatchNorm(student, teacher, sizes, (s, t) => oracle(s, t, sizes, scores));

interface Operation {
  run: (student: Variable<Pyramid>, teacher: Pyramid, scores: Tensor, lossWeight: number) => Variable;
  oracle: Oracle;
}

const channelWiseAt2: Oracle = (s, t, sizes) => reference.channelWise(s, t, sizes, 2);
const OPERATIONS: Record<string, Operation> = {
  'channel-wise': {
    run: (s, t, _, lossWeight) => channelWiseDistillation(s, t, { lossWeight, temperature: 2 }),
    oracle: channelWiseAt2,
  },
  'channel-wise after batch norm': {
    run: (s, t, _, lossWeight) => channelWiseDistillation(s, t, { lossWeight, temperature: 2, norm: 'batch' }),
    oracle: normalised(channelWiseAt2),
  },
  pearson: {
    run: (s, t, _, lossWeight) => pearsonImitation(s, t, { lossWeight }),
    oracle: (s, t, sizes) => reference.pearson(s, t, sizes),
  },
  'score-weighted': {
    run: (s, t, scores, lossWeight) => scoreWeightedImitation(s, t, scores, { lossWeight }),
    oracle: reference.scoreWeighted,
  },
  'score-weighted after batch norm': {
    run: (s, t, scores, lossWeight) => scoreWeightedImitation(s, t, scores, { lossWeight, norm: 'batch' }),
    oracle: normalised(reference.scoreWeighted),
  },
};

/** Loss and gradient of a pyramid, level by level. */
function expectedOf(oracle: Oracle, given: Problem, { student, teacher, scores }: Drawn) {
  const { batch, channels, sizes } = given;
  let loss = 0;
  let addend = 0;
  let condition = 1;
  const gradient = new Float64Array(student.length);
  let start = 0;
  for (const { height, width } of sizes) {
    const end = start + batch * height * width;
    const slice = (values: Float32Array) => values.subarray(start * channels, end * channels);
    const level = oracle(slice(student), slice(teacher), { batch, channels }, scores.subarray(start, end));
    loss += level.loss;
    addend = Math.max(addend, level.addend);
    condition = Math.max(condition, level.condition);
    gradient.set(level.gradient, start * channels);
    start = end;
  }
  return { loss, gradient, addend, condition };
}

/** Loss with weight 2, and its gradient times 1.5. */
async function actualOf({ run }: Operation, given: Problem, { student, teacher, scores }: Drawn) {
  const leaf = new Variable(pyramid(student, given), true);
  const loss = run(leaf, pyramid(teacher, given), device.tensor(scores), 2);
  const [value] = await loss.value.read();
  backward({ variable: loss, gradient: device.tensor([1.5], []) });
  return { loss: value, gradient: await leaf.gradient!.read() };
}

describe.each(Object.keys(OPERATIONS))('%s', (name) => {
  const operation = OPERATIONS[name];

  test('equals the oracle level by level, down to one value', () =>
    fc.assert(
      fc.asyncProperty(problem, async (given) => {
        const drawn = draw(given);
        const expected = expectedOf(operation.oracle, given, drawn);
        const actual = await actualOf(operation, given, drawn);
        // Rounding of features and means; an adapter's exp(x) may be off by some |x| roundings.
        const absolute = 4e-6 * expected.condition;
        expectClose([actual.loss], [2 * expected.loss], { absolute, relative: 2e-5 }, 'loss');
        expectClose(
          actual.gradient,
          expected.gradient.map((g) => 3 * g),
          { absolute: absolute * expected.addend + 1e-9, relative: 2e-5 },
          'gradient',
        );
      }),
      RUNS,
    ));

  const sizes = [
    { height: 5, width: 7 },
    { height: 2, width: 3 },
  ];
  const given = { batch: 2, channels: 3, sizes, seed: 5, scale: 1, shift: 0 };

  test('±1e4, constant channels and scores of 0 stay finite', async () => {
    const drawn = draw(given);
    const extreme = drawn.student.map((x) => 1e4 * Math.sign(x));
    const constant = drawn.student.map(() => 1234.567);
    const { student, teacher, scores } = drawn;
    const cases = [
      { student: extreme, teacher: extreme.map((x) => -x), scores },
      { student: constant, teacher, scores },
      { student, teacher: constant, scores },
      { student, teacher, scores: scores.map(() => 0) },
    ];
    for (const [at, each] of cases.entries()) {
      const { loss, gradient } = await actualOf(operation, given, each);
      expect([loss, ...gradient].every(Number.isFinite), `case ${at}`).toBe(true);
      expectClose([loss], [2 * expectedOf(operation.oracle, given, each).loss], { absolute: 1e-4, relative: 1e-4 });
    }
  });

  test('NaN and infinity are not lost', async () => {
    const drawn = draw(given);
    for (const value of [NaN, Infinity, -Infinity]) {
      for (const net of ['student', 'teacher'] as const) {
        const spoiled = Float32Array.from(drawn[net]);
        spoiled[40] = value;
        const { loss } = await actualOf(operation, given, { ...drawn, [net]: spoiled });
        expect(loss, `${value} of the ${net}`).not.toSatisfy(Number.isFinite);
      }
    }
  });

  test('the same bits twice, and no memory kept', async () => {
    const drawn = draw(given);
    const first = await actualOf(operation, given, drawn);
    const leaves = [pyramid(drawn.student, given), pyramid(drawn.teacher, given), device.tensor(drawn.scores)] as const;
    const used = device.pool.usedBytes;
    const student = new Variable(leaves[0], true);
    const loss = operation.run(student, leaves[1], leaves[2], 2);
    const incoming = device.tensor([1.5], []);
    backward({ variable: loss, gradient: incoming });
    expect(await student.gradient!.read()).toEqual(first.gradient);
    for (const tensor of [student.gradient!, incoming]) tensor.dispose();
    expect(device.pool.usedBytes).toBe(used);
  });

  test('other channels, levels or options are refused', () => {
    const student = new Variable(Pyramid.empty(device, 1, 8, [{ height: 2, width: 2 }]));
    const run = (channels: number, height: number) =>
      operation.run(student, Pyramid.empty(device, 1, channels, [{ height, width: 2 }]), device.zeros([4]), 1);
    expect(() => run(16, 2)).toThrow(
      "teacher: features of 1 images × 16 channels over levels 2×2; the student's are of 1 images × 8 channels",
    );
    expect(() => run(8, 3)).toThrow('Compare features of the same channels and sizes');
    expect(() => operation.run(student, student.value, device.zeros([4]), Number.POSITIVE_INFINITY)).toThrow(
      'lossWeight: Infinity',
    );
  });
});

test('scores and temperatures that do not fit are refused', () => {
  const student = new Variable(Pyramid.empty(device, 1, 8, [{ height: 2, width: 2 }]));
  expect(() => scoreWeightedImitation(student, student.value, device.zeros([5]))).toThrow('scores: a f32 tensor of 5');
  expect(() => channelWiseDistillation(student, student.value, { temperature: 0 })).toThrow('temperature: 0');
  const norm = 'group' as 'batch';
  expect(() => channelWiseDistillation(student, student.value, { norm })).toThrow(/norm/);
});

test('bestScores equals the oracle; a logit that is not finite gives NaN there alone', async () => {
  const given = {
    batch: 2,
    channels: 5,
    sizes: [
      { height: 3, width: 4 },
      { height: 1, width: 1 },
    ],
    seed: 3,
    scale: 9,
    shift: 0,
  };
  const logits = draw(given).student;
  const expected = [logits.subarray(0, 120), logits.subarray(120)].flatMap((level) =>
    Array.from(reference.bestScores(level, given)),
  );
  expectClose(await bestScores(pyramid(logits, given)).read(), expected, { relative: 1e-6 });
  logits[13] = Infinity;
  const spoiled = await bestScores(pyramid(logits, given)).read();
  expect(Array.from(spoiled, Number.isFinite).indexOf(false)).toBe(1);
  expect(spoiled.filter(Number.isNaN)).toHaveLength(1);
});
