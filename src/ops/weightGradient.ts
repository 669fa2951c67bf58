import channelSumsSource from '../../shaders/ops/channel_sums.wgsl';
import weightGradientSource from '../../shaders/ops/conv2d_weight_gradient.wgsl';
import weightGradientSubgroupsSource from '../../shaders/ops/conv2d_weight_gradient_subgroups.wgsl';
import pointwiseSource from '../../shaders/ops/pointwise_weight_gradient.wgsl';
import pointwiseSubgroupsSource from '../../shaders/ops/pointwise_weight_gradient_subgroups.wgsl';
import matricesSource from '../../shaders/ops/weight_gradient_matrices.wgsl';
import tilesSource from '../../shaders/ops/weight_gradient_tiles.wgsl';
import type { Device } from '../tensor/device.js';
import type { LevelSize } from '../tensor/pyramid.js';
import { storedKernel } from '../tensor/stored.js';
import type { Tensor } from '../tensor/tensor.js';
import { type AlignedRows, alignedAsIs } from './alignedRows.js';
import type { ConvolutionInput, ConvolutionShape } from './convolve.js';
import { matrixKernel } from './matrixKernel.js';
import { sumChunks } from './sumChunks.js';

/**
 * By the choice `weightGradient.incoming`. `strip`: rows (3×3) or vec4 (1×1) of a strip; `inputs`: input channels an invocation;
 * `lanes`: invocations of a workgroup with subgroups.
 */
const KERNELS = {
  3: {
    subgroups: storedKernel({ name: 'conv2d_weight_gradient_subgroups', source: weightGradientSubgroupsSource }),
    direct: storedKernel({ name: 'conv2d_weight_gradient', source: weightGradientSource }),
    strip: 8,
    inputs: 1,
    lanes: 32,
  },
  1: {
    subgroups: storedKernel({ name: 'pointwise_weight_gradient_subgroups', source: pointwiseSubgroupsSource }),
    direct: storedKernel({ name: 'pointwise_weight_gradient', source: pointwiseSource }),
    strip: 32,
    inputs: 4,
    lanes: 16,
  },
};
const TILES = storedKernel({ name: 'weight_gradient_tiles', source: tilesSource });
const MATRICES = matrixKernel({ name: 'weight_gradient_matrices', source: matricesSource });
const CHANNEL_SUMS = storedKernel({ name: 'channel_sums', source: channelSumsSource });

const OUTPUT_TILE = 8;
const WORKGROUP = 64;
/** Channels, and taps of input channels, of a workgroup of tiles. */
const TILE = 64;
/** Invocations of the register kernels that a workgroup of tiles replaces. */
const TILE_INVOCATIONS = 32;
const TILE_STEP_QUADS = 4;
const MAX_PARTIAL_ELEMENTS = 2 ** 19;

/**
 * The gradient of a convolution with respect to its weight, a new tensor.
 * @param sink to which it is added in its place
 * @returns null with a sink
 */
export function weightGradient(
  incoming: Tensor,
  input: ConvolutionInput,
  weight: Tensor,
  shape: ConvolutionShape,
  sink: Tensor | null = null,
): Tensor | null {
  const { partial, chunks } = readsCopies(weight.device)
    ? runRegisters(incoming, input.aligned(), weight, shape)
    : runTiles(incoming, input.maps, weight, shape);
  const gradient = sumChunks(partial, chunks, weight.shape, sink);
  partial.dispose();
  return gradient;
}

/** Whether `weightGradient` reads the copy of the maps, not the maps. */
export function readsCopies(device: Device): boolean {
  return device.choice('weightGradient.kernel') === 'registers';
}

/** Sums over chunks of the pixels: `partial` is [chunks, …weight]. */
interface Chunks {
  partial: Tensor;
  chunks: number;
}

function runRegisters(incoming: Tensor, input: AlignedRows, weight: Tensor, shape: ConvolutionShape): Chunks {
  const { device } = weight;
  const { batch, inputs, outputs, kernel, stride, to } = shape;
  const gradients = alignedAsIs(incoming, batch * outputs, to);
  const { strips, table } = stripsOf(shape, input, gradients);
  const variants = KERNELS[kernel];
  const tiles = Math.ceil(inputs / variants.inputs);
  const outputTiles = Math.ceil(outputs / OUTPUT_TILE);
  const wanted = Math.min(
    strips,
    Math.ceil(device.choice('weightGradient.invocations') / (tiles * outputTiles)),
    Math.max(1, Math.floor(MAX_PARTIAL_ELEMENTS / weight.size)),
  );
  const stripsAChunk = Math.ceil(strips / wanted);
  const chunks = Math.ceil(strips / stripsAChunk);

  // With subgroups the lanes are input channels: below half of them the other variant wastes less.
  const variant = 2 * tiles >= variants.lanes ? device.choice('weightGradient.incoming') : 'direct';
  const partial = device.empty([chunks * weight.size]);
  device.run({
    kernel: variants[variant](input.tensor, gradients.tensor),
    constants: {
      ...(kernel === 3 && { STRIDE: stride }),
      ...(variant === 'subgroups' && { LANES: device.sharingLanes }),
    },
    bindings: { input: input.tensor.range4, incoming: gradients.tensor.range4, partial: partial.range },
    params: { inputs, outputs, chunks, strips, strips_a_chunk: stripsAChunk, level_count: to.length, levels: table },
    workgroups:
      variant === 'subgroups'
        ? [Math.ceil(tiles / variants.lanes), outputTiles, chunks]
        : [Math.ceil((tiles * chunks) / WORKGROUP), outputTiles, 1],
  });
  gradients.dispose();
  return { partial, chunks };
}

function runTiles(incoming: Tensor, input: Tensor, weight: Tensor, shape: ConvolutionShape): Chunks {
  const { device } = weight;
  const { batch, inputs, outputs, kernel, stride, from, to } = shape;
  const taps = kernel * kernel;
  let [quads, source, arrived] = [0, 0, 0];
  const levels = to.flatMap(({ height, width }, index) => {
    const columns = Math.ceil(width / 4);
    const { height: rows, width: length } = from[index];
    const table = [quads, height * columns, columns, 0, source, rows, length, 0, arrived, height, width, 0];
    quads += batch * height * columns;
    source += batch * inputs * rows * length;
    arrived += batch * outputs * height * width;
    return table;
  });
  const maps = [input, incoming] as const;
  const product = device.choice('weightGradient.kernel') === 'matrices' ? MATRICES(...maps) : null;
  // For few channels half as many of them, and twice as many taps.
  const lines = product || outputs > TILE / 2 ? 16 : 8;
  const [across, down] = [Math.ceil((inputs * taps) / (1024 / lines)), Math.ceil(outputs / (4 * lines))];
  const wanted = Math.min(
    Math.ceil(quads / TILE_STEP_QUADS),
    Math.ceil(device.choice('weightGradient.invocations') / (TILE_INVOCATIONS * across * down)),
    Math.max(1, Math.floor(MAX_PARTIAL_ELEMENTS / weight.size)),
  );
  const quadsAChunk = TILE_STEP_QUADS * Math.ceil(quads / (TILE_STEP_QUADS * wanted));
  const chunks = Math.ceil(quads / quadsAChunk);
  const partial = device.empty([chunks * weight.size]);
  device.run({
    kernel: product?.kernel ?? TILES(...maps),
    constants: { ...(product?.constants ?? { LINES: lines }), TAPS: taps, STRIDE: stride },
    bindings: { input: input.range, incoming: incoming.range, partial: partial.range },
    params: { inputs, outputs, quads, quads_a_chunk: quadsAChunk, level_count: to.length, levels },
    workgroups: [across, down, chunks],
  });
  return { partial, chunks };
}

/** The gradient with respect to the bias, `[O]`: the sum over images and pixels, a new tensor. @param sink as of `weightGradient` */
export function biasGradient(
  incoming: Tensor,
  { batch, outputs, to }: Pick<ConvolutionShape, 'batch' | 'outputs' | 'to'>,
  sink: Tensor | null = null,
): Tensor | null {
  const gradients = alignedAsIs(incoming, batch * outputs, to);
  const sums = sink ?? incoming.device.empty([outputs]);
  const levels = gradients.levels.flatMap(({ start, rows, length }) => [start, rows * length, 0, 0]);
  incoming.device.run({
    kernel: CHANNEL_SUMS(gradients.tensor),
    constants: { LANES: incoming.device.choice('reduction.workgroup'), ADDS: sink ? 1 : 0 },
    bindings: { maps: gradients.tensor.range4, sums: sums.range },
    params: { batch, channels: outputs, level_count: to.length, levels },
    workgroups: [outputs, 1, 1],
  });
  gradients.dispose();
  return sink ? null : sums;
}

/** Cuts the maps of all levels and images into strips, with the kernels' table. */
function stripsOf(
  { batch, kernel, to }: ConvolutionShape,
  input: AlignedRows,
  gradients: AlignedRows,
): { strips: number; table: number[] } {
  let strips = 0;
  const table = to.flatMap(({ height, width }: LevelSize, index) => {
    const columns = Math.ceil(width / 4);
    const perImage = Math.ceil((kernel === 1 ? columns : height) / KERNELS[kernel].strip);
    const source = input.levels[index];
    const from = gradients.levels[index];
    const first = strips;
    strips += batch * perImage;
    return [
      ...[first, perImage, height, columns],
      ...[source.start, source.rows, source.length, 0],
      ...[from.start, from.rows, from.length, 0],
    ];
  });
  return { strips, table };
}
