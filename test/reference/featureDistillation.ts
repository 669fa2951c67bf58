/** Losses of one level's features [B, C, H*W] with their gradients by the student's, in float64. */
import { sigmoid } from './bins.js';

/** How many images and channels the values have; the rest are locations. */
export interface FeatureSizes {
  batch: number;
  channels: number;
}

export interface FeatureLoss {
  loss: number;
  gradient: Float64Array;
  /** The largest addend of an element of the gradient: rounding errors are of its size. */
  addend: number;
  /** The largest feature over what features are divided by, a deviation or a temperature, but at least 1: rounding grows with it. */
  condition: number;
}

type Features = ArrayLike<number>;

/** A loss of both nets' features. */
export type Comparison = (
  student: Features,
  teacher: Features,
) => Pick<FeatureLoss, 'loss' | 'gradient'> & Partial<FeatureLoss>;

const largestOf = (values: ArrayLike<number>) => Array.from(values).reduce((most, x) => Math.max(most, Math.abs(x)), 0);
const sum = (values: ArrayLike<number>) => Array.from(values).reduce((a, b) => a + b, 0);

/** The indices of each image's map of each channel, channel by channel. */
function mapsOf({ batch, channels }: FeatureSizes, length: number): number[][][] {
  const size = length / (batch * channels);
  return Array.from({ length: channels }, (_, c) =>
    Array.from({ length: batch }, (_, b) => Array.from({ length: size }, (_, i) => (b * channels + c) * size + i)),
  );
}

function logSoftmax(logits: readonly number[]): number[] {
  const largest = Math.max(...logits);
  const normaliser = largest + Math.log(sum(logits.map((x) => Math.exp(x - largest))));
  return logits.map((x) => x - normaliser);
}

/**
 * Channel-wise distillation (Shu et al., ICCV 2021, eq. 4): T² / (B C) Σ KL(softmax(t / T) ‖ softmax(s / T)) over a map's locations.
 */
export function channelWise(
  student: Features,
  teacher: Features,
  sizes: FeatureSizes,
  temperature: number,
): FeatureLoss {
  const planes = sizes.batch * sizes.channels;
  const gradient = new Float64Array(student.length);
  let loss = 0;
  let addend = 0;
  const condition = Math.max(1, largestOf(student) / temperature, largestOf(teacher) / temperature);
  for (const map of mapsOf(sizes, student.length).flat()) {
    const logQ = logSoftmax(map.map((i) => student[i] / temperature));
    const logP = logSoftmax(map.map((i) => teacher[i] / temperature));
    map.forEach((i, at) => {
      const [p, q] = [Math.exp(logP[at]), Math.exp(logQ[at])];
      if (p > 0) loss += (temperature ** 2 / planes) * p * (logP[at] - logQ[at]);
      gradient[i] = (temperature / planes) * (q - p);
      addend = Math.max(addend, (temperature / planes) * Math.max(p, q));
    });
  }
  return { loss, gradient, addend, condition };
}

/** PKD's ε, added to a deviation. */
const PEARSON_EPSILON = 1e-6;

/** Mean and unbiased standard deviation; of one value 0. */
function moments(values: readonly number[]): { mean: number; deviation: number } {
  const mean = sum(values) / values.length;
  const squares = sum(values.map((x) => (x - mean) ** 2));
  return { mean, deviation: Math.sqrt(squares / Math.max(1, values.length - 1)) };
}

/**
 * PKD (Cao et al., NeurIPS 2022): half the mean of (ŝ − t̂)², each channel less its mean over its deviation + 1e-6, over images and locations.
 */
export function pearson(student: Features, teacher: Features, sizes: FeatureSizes): FeatureLoss {
  const gradient = new Float64Array(student.length);
  let loss = 0;
  let addend = 0;
  let condition = 1;
  for (const maps of mapsOf(sizes, student.length)) {
    const all = maps.flat();
    const [s, t] = [student, teacher].map((values) => {
      const own = all.map((i) => values[i]);
      const { mean, deviation } = moments(own);
      if (deviation > 0) condition = Math.max(condition, largestOf(own) / deviation);
      return { deviation, values: own.map((x) => (x - mean) / (deviation + PEARSON_EPSILON)) };
    });
    const slopes = s.values.map((x, at) => (x - t.values[at]) / student.length);
    loss += sum(s.values.map((x, at) => (x - t.values[at]) ** 2)) / 2 / student.length;
    // d ŝ_j / d s_i = (δ_ij − 1/m) / (sd + ε) − ŝ_j · d sd / d s_i / (sd + ε), with d sd / d s_i = (s_i − mean) / ((m − 1) sd).
    const divisor = s.deviation + PEARSON_EPSILON;
    const byDeviation = sum(s.values.map((x, at) => x * slopes[at])) / divisor;
    all.forEach((i, at) => {
      const deviationSlope = s.deviation > 0 ? (s.values[at] * divisor) / ((all.length - 1) * s.deviation) : 0;
      gradient[i] = (slopes[at] - sum(slopes) / all.length) / divisor - byDeviation * deviationSlope;
      addend = Math.max(addend, Math.abs(s.values[at]) / student.length / divisor);
    });
  }
  return { loss, gradient, addend, condition };
}

/** Σ (s − t)² a / (C Σ a + 1e-9); `scores` [B, H*W] (Ultralytics, 2026). */
export function scoreWeighted(
  student: Features,
  teacher: Features,
  sizes: FeatureSizes,
  scores: Features,
): FeatureLoss {
  const gradient = new Float64Array(student.length);
  const divisor = sizes.channels * sum(scores) + 1e-9;
  const area = scores.length / sizes.batch;
  let loss = 0;
  for (const maps of mapsOf(sizes, student.length)) {
    maps.forEach((map, image) => {
      map.forEach((i, cell) => {
        const share = scores[image * area + cell] / divisor;
        loss += share * (student[i] - teacher[i]) ** 2;
        gradient[i] = 2 * share * (student[i] - teacher[i]);
      });
    });
  }
  return { loss, gradient, addend: largestOf(gradient), condition: 1 };
}

/** The best class score of each location, [B, H*W], of logits [B, C, H*W]. */
export function bestScores(logits: Features, sizes: FeatureSizes): Float64Array {
  const area = logits.length / (sizes.batch * sizes.channels);
  const best = new Float64Array(sizes.batch * area).fill(Number.NEGATIVE_INFINITY);
  for (const maps of mapsOf(sizes, logits.length)) {
    maps.forEach((map, image) => {
      map.forEach((i, cell) => {
        best[image * area + cell] = Math.max(best[image * area + cell], logits[i]);
      });
    });
  }
  return best.map(sigmoid);
}

/** Batch norm without parameters, ε 1e-5: each channel less its mean over √(variance + ε), over images and locations. */
function batchNorm(values: Features, sizes: FeatureSizes) {
  const normalised = new Float64Array(values.length);
  let condition = 1;
  const inverses = mapsOf(sizes, values.length).map((maps) => {
    const all = maps.flat();
    const mean = sum(all.map((i) => values[i])) / all.length;
    const inverse = 1 / Math.sqrt(sum(all.map((i) => (values[i] - mean) ** 2)) / all.length + 1e-5);
    for (const i of all) normalised[i] = (values[i] - mean) * inverse;
    condition = Math.max(condition, inverse * largestOf(all.map((i) => values[i])));
    return inverse;
  });
  return { normalised, inverses, condition };
}

/** A loss of the features after a batch norm without parameters of both nets', and its gradient by the student's own. */
export function afterBatchNorm(
  student: Features,
  teacher: Features,
  sizes: FeatureSizes,
  loss: Comparison,
): FeatureLoss {
  const own = batchNorm(student, sizes);
  const other = batchNorm(teacher, sizes);
  const result = loss(own.normalised, other.normalised);
  const gradient = new Float64Array(student.length);
  mapsOf(sizes, student.length).forEach((maps, c) => {
    const all = maps.flat();
    const mean = sum(all.map((i) => result.gradient[i])) / all.length;
    const product = sum(all.map((i) => result.gradient[i] * own.normalised[i])) / all.length;
    for (const i of all) gradient[i] = own.inverses[c] * (result.gradient[i] - mean - own.normalised[i] * product);
  });
  const addend = (result.addend ?? largestOf(result.gradient)) * largestOf(own.inverses);
  return {
    loss: result.loss,
    gradient,
    addend,
    condition: Math.max(result.condition ?? 1, own.condition, other.condition),
  };
}

/**
 * Maps [planes, from.height * from.width] read bilinearly on another lattice: a cell's middle lies at (index + ½) · cells, and what lies
 * beyond the outermost middles is as there.
 */
export function resized(
  maps: Features,
  from: { width: number; height: number; cells: readonly [number, number] },
  to: { width: number; height: number },
): Float64Array {
  const area = from.width * from.height;
  const along = (index: number, cells: number, count: number) => {
    const place = Math.min(Math.max((index + 0.5) * cells - 0.5, 0), count - 1);
    const first = Math.floor(place);
    return [first, Math.min(first + 1, count - 1), place - first] as const;
  };
  const values: number[] = [];
  for (let plane = 0; plane < maps.length / area; plane++) {
    for (let row = 0; row < to.height; row++) {
      const [above, below, down] = along(row, from.cells[1], from.height);
      for (let column = 0; column < to.width; column++) {
        const [left, right, across] = along(column, from.cells[0], from.width);
        const at = (y: number, x: number) => maps[plane * area + y * from.width + x];
        const mixed = (y: number) => (1 - across) * at(y, left) + across * at(y, right);
        values.push((1 - down) * mixed(above) + down * mixed(below));
      }
    }
  }
  return Float64Array.from(values);
}
