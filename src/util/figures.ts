/** Stands for a figure that is not defined: an average precision without objects (COCO's −1), a mean of nothing. */
export const NONE = '–';

type Value = number | null | undefined;

/** An average precision in percent, one decimal; – where it is not defined. */
export function percent(fraction: Value): string {
  return isDefined(fraction) && fraction >= 0 ? (100 * fraction).toFixed(1) : NONE;
}

/** A measure with this many decimals; – if it is not defined. */
export function decimals(value: Value, digits: number): string {
  return isDefined(value) ? value.toFixed(digits) : NONE;
}

function isDefined(value: Value): value is number {
  return typeof value === 'number' && Number.isFinite(value);
}
