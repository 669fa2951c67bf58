/** Central difference of `f` at `x`, one coordinate at a time. */
export function centralDifferences(f: (x: Float64Array) => number, x: ArrayLike<number>, step = 1e-5): Float64Array {
  return Float64Array.from(x, (_, i) => {
    const above = Float64Array.from(x);
    const below = Float64Array.from(x);
    above[i] += step;
    below[i] -= step;
    return (f(above) - f(below)) / (2 * step);
  });
}
