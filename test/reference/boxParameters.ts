import type { Recipe } from '../../src/losses/recipe.js';
import type { Box } from './boxes.js';
import { add, type Dual, divide, exponential, multiply, subtract, variables } from './dual.js';

/** What the bins of an edge mean. */
export interface BoxParameters {
  parameters: Recipe['box']['parameters'];
  bins: number;
  /** What the bins of `ltrb` stand for; 0 … bins − 1 unless given. */
  projection?: readonly number[] | undefined;
  /** Anchor side in strides. */
  anchor: number;
}

/** The largest offset that bins stand for. */
const REACH = 2;

/** The box of four expectations, each coordinate with its derivatives by them; everything in strides. */
export function decodeBox(
  expected: ArrayLike<number>,
  [x, y]: readonly [number, number],
  { parameters, bins, anchor }: BoxParameters,
): [Dual, Dual, Dual, Dual] {
  const edges = variables(expected);
  if (parameters === 'ltrb') {
    return [subtract(x, edges[0]), subtract(y, edges[1]), add(x, edges[2]), add(y, edges[3])];
  }
  const [dx, dy, dw, dh] = edges.map((k) => subtract(divide(multiply(k, 2 * REACH), bins - 1), REACH));
  const side = (offset: Dual) => multiply(anchor / 2, exponential(offset));
  const [centreX, centreY] = [add(x, multiply(dx, anchor)), add(y, multiply(dy, anchor))];
  const [halfWidth, halfHeight] = [side(dw), side(dh)];
  return [
    subtract(centreX, halfWidth),
    subtract(centreY, halfHeight),
    add(centreX, halfWidth),
    add(centreY, halfHeight),
  ];
}

/** The expectations, in bins, whose box this is. */
export function encodeBox(
  [x1, y1, x2, y2]: Box,
  [x, y]: readonly [number, number],
  { parameters, bins, anchor }: BoxParameters,
): number[] {
  if (parameters === 'ltrb') return [x - x1, y - y1, x2 - x, y2 - y];
  const offsets = [
    ((x1 + x2) / 2 - x) / anchor,
    ((y1 + y2) / 2 - y) / anchor,
    Math.log(Math.max(x2 - x1, 1e-6) / anchor),
    Math.log(Math.max(y2 - y1, 1e-6) / anchor),
  ];
  return offsets.map((offset) => ((offset + REACH) * (bins - 1)) / (2 * REACH));
}
