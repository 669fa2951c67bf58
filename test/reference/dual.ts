/**
 * Numbers that carry their partial derivatives with respect to the four coordinates of one box: forward-mode
 * differentiation, so that the box losses can be written as their formulas and nothing else.
 */
export interface Dual {
  value: number;
  partial: [number, number, number, number];
}

type Operand = Dual | number;

export const lift = (a: Operand): Dual => (typeof a === 'number' ? { value: a, partial: [0, 0, 0, 0] } : a);

/** f(a, b) with df/da = da and df/db = db. */
function combine(a: Dual, b: Dual, value: number, da: number, db: number): Dual {
  const at = (i: 0 | 1 | 2 | 3) => da * a.partial[i] + db * b.partial[i];
  return { value, partial: [at(0), at(1), at(2), at(3)] };
}

/** The four coordinates of a box as variables: d(coordinate i)/d(coordinate j) = [i = j]. */
export function variables(box: ArrayLike<number>): [Dual, Dual, Dual, Dual] {
  return [
    { value: box[0], partial: [1, 0, 0, 0] },
    { value: box[1], partial: [0, 1, 0, 0] },
    { value: box[2], partial: [0, 0, 1, 0] },
    { value: box[3], partial: [0, 0, 0, 1] },
  ];
}

export function add(x: Operand, y: Operand): Dual {
  const [a, b] = [lift(x), lift(y)];
  return combine(a, b, a.value + b.value, 1, 1);
}

export function subtract(x: Operand, y: Operand): Dual {
  const [a, b] = [lift(x), lift(y)];
  return combine(a, b, a.value - b.value, 1, -1);
}

export function multiply(x: Operand, y: Operand): Dual {
  const [a, b] = [lift(x), lift(y)];
  return combine(a, b, a.value * b.value, b.value, a.value);
}

export function divide(x: Operand, y: Operand): Dual {
  const [a, b] = [lift(x), lift(y)];
  return combine(a, b, a.value / b.value, 1 / b.value, -a.value / b.value ** 2);
}

/** max(x, y); at a tie each side gets half of the gradient, as in torch.max(a, b). */
export function maximum(x: Operand, y: Operand): Dual {
  const [a, b] = [lift(x), lift(y)];
  const share = a.value > b.value ? 1 : a.value < b.value ? 0 : 0.5;
  return combine(a, b, Math.max(a.value, b.value), share, 1 - share);
}

/** min(x, y); at a tie each side gets half of the gradient, as in torch.min(a, b). */
export function minimum(x: Operand, y: Operand): Dual {
  const [a, b] = [lift(x), lift(y)];
  const share = a.value < b.value ? 1 : a.value > b.value ? 0 : 0.5;
  return combine(a, b, Math.min(a.value, b.value), share, 1 - share);
}

/** x clamped to >= 0; the whole gradient passes at exactly 0, as in torch.clamp(min=0). */
export function clampAtZero(x: Dual): Dual {
  return x.value >= 0 ? x : lift(0);
}

/** atan(x / y) for x, y >= 0, and pi/2 where y = 0. */
export function arctangent(x: Operand, y: Operand): Dual {
  const [a, b] = [lift(x), lift(y)];
  const square = a.value ** 2 + b.value ** 2;
  return combine(a, b, Math.atan2(a.value, b.value), b.value / square, -a.value / square);
}

export function exponential(a: Dual): Dual {
  const value = Math.exp(a.value);
  return combine(a, a, value, value, 0);
}
