import { brief } from '../util/brief.js';
import { InputError } from '../util/error.js';

/** The values that the bins of an edge stand for, from the lowest to the highest. */
export type Projection = readonly number[];

/** A table of values as kernels hold it, in f32. @throws InputError when it has not one increasing value a bin */
export function tableValues(name: string, projection: Projection, bins: number): Float32Array {
  if (!Array.isArray(projection) || projection.length !== bins) {
    throw new InputError(`${name}: ${brief(projection)}; expected a list of ${bins} values, one a bin.`);
  }
  const values = Float32Array.from(projection);
  const fault = values.findIndex((value, k) => !Number.isFinite(value) || (k > 0 && value <= values[k - 1]));
  if (fault >= 0) {
    throw new InputError(
      `${name}[${fault}]: ${brief(projection[fault])}; expected finite values, each above the one before.`,
    );
  }
  return values;
}

/** What the bins of a head stand for; null where bin k stands for k. @throws InputError as `tableValues`, or for a head of one bin */
export function headProjection(
  name: string,
  projection: Projection | null | undefined,
  bins: number,
): Projection | null {
  if (projection === undefined || projection === null) return null;
  if (bins === 1) {
    throw new InputError(`${name}: a head of one bin says distances without a distribution; leave it out.`);
  }
  const values = tableValues(name, projection, bins);
  return values.every((value, k) => value === k) ? null : Array.from(values);
}

/** @throws InputError for a table where bins mean offsets from an anchor */
export function assertDistances(name: string, projection: Projection | null, parameters: 'ltrb' | 'offset'): void {
  if (!projection || parameters === 'ltrb') return;
  throw new InputError(
    `${name}: bins of offset boxes are spread evenly over [−2, 2]; leave the table out, or set the parameters of boxes to ltrb.`,
  );
}

/** Overrides of shaders/lib/bin_values.wgsl. */
export function binConstants(projection: Projection | null): { TABLE: 0 | 1 } {
  return { TABLE: projection ? 1 : 0 };
}

/** Uniform fields of shaders/lib/bin_values.wgsl. */
export function binParams(projection: Projection | null): { projection: readonly number[] } {
  return { projection: projection ?? [] };
}
