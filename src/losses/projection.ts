import { one } from '../autograd/one.js';
import { type Projection, tableValues } from '../regions/binValues.js';
import type { Device } from '../tensor/device.js';
import type { Tensor } from '../tensor/tensor.js';
import { brief } from '../util/brief.js';
import { InputError } from '../util/error.js';

/**
 * Bins spread evenly over [from, to]: 0 … bins − 1 in GFocal and YOLOv8, [−2, 2] and [−5, 2] in Rotated LD (Yang et al., TPAMI 2023).
 * @throws InputError for fewer than 2 bins, or ends that are not in order
 */
export function uniformProjection(bins: number, from = 0, to = bins - 1): Projection {
  if (!Number.isInteger(bins) || bins < 2)
    throw new InputError(`bins: ${brief(bins)}; expected an integer of at least 2.`);
  if (!Number.isFinite(from) || !Number.isFinite(to) || from >= to) {
    throw new InputError(`from: ${brief(from)}, to: ${brief(to)}; expected two numbers, the lower first.`);
  }
  return Array.from({ length: bins }, (_, k) => from + ((to - from) * k) / (bins - 1));
}

/**
 * D-FINE's W(n) (Peng et al., ICLR 2025, eq. 2): fine steps about 0, coarse ones outside, W(N/2 ± i) = ±(g^i − 1) with
 * g = (up · scale + 1)^(2 / (N − 2)), and ±2 · up · scale at the ends; N = bins − 1. An edge is a reference box's own edge moved by
 * W / scale of the box's size.
 * @param bins odd, at least 5; 33 in D-FINE
 * @param options `up` a = 0.5 and `scale` c = 4 unless given
 * @throws InputError for an even number of bins, or options that are not above 0
 */
export function fineGrainedProjection(bins = 33, options: { up?: number; scale?: number } = {}): Projection {
  const { up = 0.5, scale = 4 } = options;
  if (!Number.isInteger(bins) || bins < 5 || bins % 2 === 0) {
    throw new InputError(`bins: ${brief(bins)}; expected an odd integer of at least 5, such as 33.`);
  }
  for (const [name, value] of Object.entries({ up, scale })) {
    if (!Number.isFinite(value) || value <= 0)
      throw new InputError(`${name}: ${brief(value)}; expected a number above 0.`);
  }
  const half = (bins - 1) / 2;
  const growth = (up * scale + 1) ** (1 / (half - 1));
  return Array.from({ length: bins }, (_, n) => {
    const steps = Math.abs(n - half);
    return Math.sign(n - half) * (steps === half ? 2 * up * scale : growth ** steps - 1);
  });
}

/** What a kernel with shaders/lib/projection.wgsl binds. @throws InputError when it has not one increasing value a bin */
export function projectionTable(
  device: Device,
  projection: Projection | undefined,
  bins: number,
): { tensor: Tensor; constants: { TABLE: 0 | 1 }; dispose(): void } {
  if (projection === undefined) return { tensor: one(device), constants: { TABLE: 0 }, dispose: () => undefined };
  const values = tableValues('projection', projection, bins);
  const tensor = device.tensor(values, [bins]);
  return { tensor, constants: { TABLE: 1 }, dispose: () => tensor.dispose() };
}
