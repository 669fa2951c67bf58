import source from '../../shaders/eval/edge_spread.wgsl';
import type { Pyramid } from '../tensor/pyramid.js';
import type { Tensor } from '../tensor/tensor.js';

const KERNEL = { name: 'edge_spread', source };

/**
 * Records the standard deviation of every edge's distribution at temperature 1.
 * @param boxLogits pyramid of 4 · bins channels
 * @returns [N, 4] in bins, for `ltrb` boxes strides of the level; N = batch · locations in the order of a pyramid of one
 * channel. The caller disposes it.
 */
export function edgeSpread(boxLogits: Pyramid): Tensor {
  const { device, batch, channels, levels } = boxLogits;
  const locations = batch * boxLogits.locations;
  const spread = device.empty([locations, 4]);
  device.run({
    kernel: KERNEL,
    constants: { BINS: channels / 4 },
    bindings: { logits: boxLogits.range, spread: spread.range },
    params: { batch, level_count: levels.length, locations, levels: boxLogits.levelTable },
    invocations: locations,
  });
  return spread;
}
