import fc from 'fast-check';
import { backward, Variable } from '../../src/autograd/variable.js';
import type { RowLossOptions } from '../../src/losses/rowLoss.js';
import type { Device } from '../../src/tensor/device.js';
import { Random } from '../../src/tensor/random.js';
import { expectClose } from '../reference/closeTo.js';
import { runs } from '../runs.js';

/** One drawn problem over rows: shape, size of the values, and how rows become one loss. */
export interface RowCase {
  rows: number;
  columns: number;
  seed: number;
  /** Deviation of the logits. */
  scale: number;
  weighted: boolean;
  averageFactor: number;
  /** The average factor is given as a tensor. */
  factorOnGpu: boolean;
  lossWeight: number;
}

/** @param columns the row lengths to draw from: each is a kernel to compile */
export function rowCases(columns: number[]): fc.Arbitrary<RowCase> {
  return fc.record({
    rows: fc.oneof(fc.constant(0), fc.constant(1), fc.integer({ min: 2, max: 200 })),
    columns: fc.constantFrom(...columns),
    seed: fc.nat(),
    scale: fc.constantFrom(0.2, 2, 20),
    weighted: fc.boolean(),
    averageFactor: fc.constantFrom(4, 0.7, 0),
    factorOnGpu: fc.boolean(),
    lossWeight: fc.constantFrom(0.25, 2),
  });
}

/** The runs of a property on the GPU: a software adapter takes some milliseconds for each. */
export const RUNS = runs(9);

export function normals(seed: number, length: number, scale: number): Float32Array<ArrayBuffer> {
  const random = Random.of(seed);
  return Float32Array.from({ length }, () => scale * random.normal());
}

export function uniforms(seed: number, length: number, low: number, high: number): Float32Array<ArrayBuffer> {
  const random = Random.of(seed);
  return Float32Array.from({ length }, () => random.uniform(low, high));
}

export function rowOf(values: ArrayLike<number>, row: number, columns: number): number[] {
  return Array.from({ length: columns }, (_, k) => values[row * columns + k]);
}

interface Tolerance {
  /** Of a row's loss and of the elements of its gradient before weighting. */
  absolute: number;
  relative: number;
}

/** Compares the losses, their sum and the gradients of both with a float64 oracle of one row. */
export async function expectRows(
  device: Device,
  drawn: RowCase,
  values: Float32Array,
  build: (input: Variable, options: RowLossOptions) => Variable,
  oracle: (row: number) => { loss: number; gradient: ArrayLike<number> },
  tolerance: Tolerance,
): Promise<void> {
  const { rows, columns, averageFactor, lossWeight } = drawn;
  // A third of the weights are zero: rows outside of a region.
  const drawnWeights = uniforms(drawn.seed + 1, rows, -0.5, 1).map((w) => Math.max(0, w));
  const weights = drawn.weighted ? drawnWeights : new Float32Array(rows).fill(1);
  const options: RowLossOptions = {
    ...(drawn.weighted && { weights: device.tensor(weights, [rows]) }),
    averageFactor: drawn.factorOnGpu ? device.tensor([averageFactor], [1]) : averageFactor,
    lossWeight,
  };
  const coefficient = averageFactor === 0 ? 0 : lossWeight / averageFactor;
  const incoming = uniforms(drawn.seed + 2, rows, -2, 2);
  const losses = new Float64Array(rows);
  const gradient = new Float64Array(rows * columns);
  for (let row = 0; row < rows; row++) {
    const expected = oracle(row);
    losses[row] = coefficient * weights[row] * expected.loss;
    for (let k = 0; k < columns; k++) {
      gradient[row * columns + k] = coefficient * weights[row] * expected.gradient[k];
    }
  }
  const close = { absolute: 2 * coefficient * tolerance.absolute, relative: tolerance.relative };

  const leaf = () => new Variable(device.tensor(values, [rows, columns]), true);
  const single = leaf();
  const each = build(single, { ...options, reduction: 'none' });
  expectClose(await each.value.read(), losses, close, 'losses');
  backward({ variable: each, gradient: device.tensor(incoming, [rows]) });
  const perRow = gradient.map((g, i) => g * incoming[Math.floor(i / columns)]);
  expectClose(await single.gradient!.read(), perRow, close, 'gradient of the losses');

  const summed = leaf();
  const total = build(summed, options);
  const sum = losses.reduce((a, b) => a + b, 0);
  const size = losses.reduce((a, b) => a + Math.abs(b), 0);
  expectClose(await total.value.read(), [sum], {
    absolute: close.absolute * rows + close.relative * size,
  });
  backward({ variable: total, gradient: device.tensor([1.5], []) });
  expectClose(
    await summed.gradient!.read(),
    gradient.map((g) => 1.5 * g),
    close,
    'gradient of the sum',
  );
}
