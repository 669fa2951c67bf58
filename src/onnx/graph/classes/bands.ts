import { NodeFault } from '../nodeView.js';

/** A stretch of an axis that becomes longer or shorter; the same length where nothing changes. */
export interface Band {
  /** Elements in the file. */
  old: number;
  /** Elements afterwards. */
  new: number;
}

/** Of each axis of a tensor its stretches, in order; null where the axis stays as it is. */
export type Axes = readonly (readonly Band[] | null)[];

/** Length afterwards. */
export function newExtent(bands: readonly Band[]): number {
  return bands.reduce((sum, band) => sum + band.new, 0);
}

/** Length in the file. */
export function oldExtent(bands: readonly Band[]): number {
  return bands.reduce((sum, band) => sum + band.old, 0);
}

/** Whether an axis stays as it is. */
export function isSame(bands: readonly Band[]): boolean {
  return bands.every((band) => band.old === band.new);
}

/** One behind the other; what does not change is one stretch. */
export function joined(parts: readonly (readonly Band[])[]): Band[] {
  const result: Band[] = [];
  for (const band of parts.flat()) {
    const last = result.at(-1);
    if (band.old === 0 && band.new === 0) continue;
    if (last && last.old === last.new && band.old === band.new) {
      result[result.length - 1] = { old: last.old + band.old, new: last.new + band.new };
    } else result.push({ ...band });
  }
  return result;
}

/** A position between stretches, or inside one that does not change, afterwards. @throws NodeFault inside one that does */
export function newPosition(bands: readonly Band[], position: number): number {
  let [before, after] = [0, 0];
  for (const band of bands) {
    if (position === before) return after;
    if (position < before + band.old) {
      if (band.old === band.new) return after + position - before;
      throw new NodeFault(`it takes ${position - before} of the ${band.old} classes apart`);
    }
    before += band.old;
    after += band.new;
  }
  return after;
}

/** From one position to another. @throws NodeFault where a position lies inside the classes */
export function cut(bands: readonly Band[], from: number, to: number): Band[] {
  newPosition(bands, from);
  newPosition(bands, to);
  const result: Band[] = [];
  let start = 0;
  for (const band of bands) {
    const end = start + band.old;
    const length = Math.min(to, end) - Math.max(from, start);
    if (length > 0) result.push(length === band.old ? band : { old: length, new: length });
    start = end;
  }
  return joined([result]);
}

/** Several axes as one. @param extents of the axes in the file */
function merged(axes: Axes, extents: readonly number[]): Band[] {
  let bands: Band[] = [{ old: 1, new: 1 }];
  for (const [i, extent] of extents.entries()) {
    const own = axes[i] ?? [{ old: extent, new: extent }];
    // Every element before is followed by the whole axis.
    const repeated = bands.flatMap((band) => {
      if (isSame(own)) return [{ old: band.old * extent, new: band.new * extent }];
      if (band.old !== band.new) throw new NodeFault('two of its axes depend on the number of classes');
      return Array.from({ length: band.old }, () => own).flat();
    });
    bands = joined([repeated]);
  }
  return bands;
}

/** One axis as several. @param extents of these in the file @throws NodeFault where the classes do not stay together */
function separated(bands: readonly Band[], extents: readonly number[]): Axes {
  if (isSame(bands)) return extents.map(() => null);
  const [first, ...rest] = extents;
  if (rest.length === 0) return [bands];
  if (first === 1) return [null, ...separated(bands, rest)];
  const inner = rest.reduce((product, extent) => product * extent, 1);
  if (bands.every((band) => band.old % inner === 0 && band.new % inner === 0)) {
    const outer = bands.map((band) => ({ old: band.old / inner, new: band.new / inner }));
    return [joined([outer]), ...rest.map(() => null)];
  }
  const unit = cut(bands, 0, inner);
  const whole = joined(Array.from({ length: first }, () => unit));
  if (JSON.stringify(whole) !== JSON.stringify(joined([bands]))) {
    throw new NodeFault('it splits an axis that depends on the number of classes');
  }
  return [null, ...separated(unit, rest)];
}

/**
 * Axes of a tensor under another shape with the same elements.
 * @param from its shape in the file
 * @param to the other, in the file
 * @throws NodeFault where the classes do not stay together
 */
export function reshapedAxes(axes: Axes, from: readonly number[], to: readonly number[]): Axes {
  const result: (readonly Band[] | null)[] = [];
  let [i, j] = [0, 0];
  while (i < from.length || j < to.length) {
    const [start, begin] = [i, j];
    let [inside, outside] = [from[i++] ?? 1, to[j++] ?? 1];
    while (inside !== outside) {
      if (inside < outside && i < from.length) inside *= from[i++];
      else if (j < to.length) outside *= to[j++];
      else throw new NodeFault(`[${from}] cannot become [${to}]`);
    }
    const own = axes.slice(start, i);
    const extents = to.slice(begin, j);
    if (own.every((one) => one === null)) result.push(...extents.map(() => null));
    else if (extents.length === 0) throw new NodeFault('an axis that depends on the number of classes is left out');
    else result.push(...separated(merged(own, from.slice(start, i)), extents));
  }
  return result;
}
