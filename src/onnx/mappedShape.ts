import type { Grid } from '../regions/grid.js';
import { InputError } from '../util/error.js';
import { classCount, type MappedTensor, type OnnxMapping } from './mapping.js';

/**
 * Checks the shape of a tensor that a mapping names; any batch will do.
 * @param grid of the image size and the mapping's strides
 * @throws InputError that names the tensor, its shape and the one that the mapping says
 */
export function assertMappedShape(
  mapping: OnnxMapping,
  { tensor, axes, channels, strides }: MappedTensor,
  shape: readonly number[],
  { levels, areas, imageSize, strides: all }: Grid,
): void {
  const width = channels.reduce((sum, part) => sum + (part === 'boxes' ? 4 * mapping.bins : classCount(mapping)), 0);
  const area = strides.reduce((sum, stride) => sum + areas[all.indexOf(stride)], 0);
  const { height, width: columns } = levels[all.indexOf(strides[0])];
  const sizes = { B: shape[0], C: width, A: area, H: height, W: columns };
  const expected = [...axes].map((axis) => sizes[axis as keyof typeof sizes]);
  if (shape.join() === expected.join()) return;
  const { width: w, height: h } = imageSize;
  throw new InputError(
    `${tensor}: shape [${shape.join(', ')}]; ${axes} of ${channels.join(' and ')} (${width} channels) at strides ${strides.join(', ')} of ${w}×${h} pixels is [${expected.join(', ')}]. Correct the mapping or the size.`,
  );
}
