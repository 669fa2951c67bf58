import conv2dSource from '../../shaders/ops/conv2d.wgsl';
import inputGradientSource from '../../shaders/ops/conv2d_input_gradient.wgsl';
import inputGradientSubgroupsSource from '../../shaders/ops/conv2d_input_gradient_subgroups.wgsl';
import conv2dSubgroupsSource from '../../shaders/ops/conv2d_subgroups.wgsl';
import tilesSource from '../../shaders/ops/convolution_tiles.wgsl';
import packWeightSource from '../../shaders/ops/pack_weight.wgsl';
import pointwiseSource from '../../shaders/ops/pointwise.wgsl';
import pointwiseSubgroupsSource from '../../shaders/ops/pointwise_subgroups.wgsl';
import { MAX_WORKGROUPS } from '../gpu/launch.js';
import { type LevelSize, Pyramid } from '../tensor/pyramid.js';
import type { Tensor } from '../tensor/tensor.js';
import { type Activation, activationConstants } from './activated.js';
import { type AlignedRows, alignedAsIs, alignRows } from './alignedRows.js';

/** By the choice `convolution.weights`. */
const CONV2D = {
  subgroups: { name: 'conv2d_subgroups', source: conv2dSubgroupsSource },
  direct: { name: 'conv2d', source: conv2dSource },
};
const POINTWISE = {
  subgroups: { name: 'pointwise_subgroups', source: pointwiseSubgroupsSource },
  direct: { name: 'pointwise', source: pointwiseSource },
};
const INPUT_GRADIENT = {
  subgroups: { name: 'conv2d_input_gradient_subgroups', source: inputGradientSubgroupsSource },
  direct: { name: 'conv2d_input_gradient', source: inputGradientSource },
};
const TILES = { name: 'convolution_tiles', source: tilesSource };
const PACK_WEIGHT = { name: 'pack_weight', source: packWeightSource };

const TILE_CHANNELS = 8;
/** Pixels, and channels or half of them, of a workgroup of tiles. */
const TILE = 64;
/** Input channels that the 1×1 kernel reads at once. */
const POINTWISE_INPUTS = 4;

/** The sizes of one convolution. */
export interface ConvolutionShape {
  batch: number;
  inputs: number;
  outputs: number;
  kernel: 1 | 3;
  stride: 1 | 2;
  /** Maps of each level; a 1×1 convolution takes each as one row. */
  from: readonly LevelSize[];
  to: readonly LevelSize[];
}

/** output = bias + weight ∗ maps, with the activation. @param aligned the maps, by `alignInput` */
export function convolve(
  aligned: AlignedRows,
  weight: Tensor,
  bias: Tensor | null,
  output: Tensor,
  shape: ConvolutionShape,
  activation?: Activation,
): void {
  const packed = packWeight(weight, bias, shape, false);
  run(aligned, packed, output, shape, activation);
  packed.dispose();
}

/** The gradient with respect to the maps, a new pyramid like `model`. */
export function inputGradient(incoming: Tensor, weight: Tensor, model: Pyramid, shape: ConvolutionShape): Pyramid {
  const gradient = Pyramid.empty(model.device, model.batch, model.channels, model.levels);
  const transposed = { ...shape, inputs: shape.outputs, outputs: shape.inputs, from: shape.to, to: shape.from };
  const packed = packWeight(weight, null, transposed, true);
  if (shape.stride === 1) {
    const aligned = alignInput(incoming, transposed);
    run(aligned, packed, gradient, transposed);
    aligned.dispose();
  } else {
    runStride2(incoming, packed, gradient, transposed);
  }
  packed.dispose();
  return gradient;
}

/** The input as the kernels read it: rows of whole vec4; for 3×3 with a border of zeros around each map. */
export function alignInput(maps: Tensor, { batch, inputs, kernel, stride, from, to }: ConvolutionShape): AlignedRows {
  if (kernel === 1) return alignedAsIs(maps, batch * inputs, from);
  const shapes = to.map(({ height, width }) => ({
    rows: stride * (height - 1) + 3,
    length: stride * Math.ceil(width / 4) + 1,
  }));
  return alignRows(maps, batch * inputs, from, shapes, 1);
}

/** See shaders/ops/pack_weight.wgsl. */
function packWeight(weight: Tensor, bias: Tensor | null, shape: ConvolutionShape, transposed: boolean): Tensor {
  const { inputs, outputs, kernel } = shape;
  const taps = kernel * kernel;
  const padded = paddedInputs(shape);
  const count = 2 * Math.ceil(outputs / TILE_CHANNELS) * (padded * taps + 1);
  const packed = weight.device.empty([4 * count]);
  weight.device.run({
    kernel: PACK_WEIGHT,
    bindings: { weight: weight.range, bias: (bias ?? weight).range, packed: packed.range4 },
    params: {
      count,
      outputs,
      inputs,
      padded_inputs: padded,
      taps,
      transposed: transposed ? 1 : 0,
      has_bias: bias ? 1 : 0,
    },
    invocations: count,
  });
  return packed;
}

/** Those that the packed weight has; the last ones of a 1×1 kernel may be zero. */
function paddedInputs({ inputs, kernel }: ConvolutionShape): number {
  return kernel === 1 ? POINTWISE_INPUTS * Math.ceil(inputs / POINTWISE_INPUTS) : inputs;
}

function run(
  aligned: AlignedRows,
  packed: Tensor,
  output: Tensor,
  shape: ConvolutionShape,
  activation?: Activation,
): void {
  const choice = output.device.choice('convolution.kernel');
  const constants = activationConstants(activation);
  if (choice === 'registers') runRegisters(aligned, packed, output, shape, constants);
  else {
    const quads = choice === 'tiles-64' || shape.outputs <= TILE ? 1 : 2;
    runTiles(aligned, packed, output, shape, { QUADS: quads, ...constants });
  }
}

function runTiles(
  aligned: AlignedRows,
  packed: Tensor,
  output: Tensor,
  shape: ConvolutionShape,
  constants: Record<string, number> & { QUADS: number },
): void {
  const { batch, inputs, outputs, kernel, stride, to } = shape;
  const taps = kernel * kernel;
  let groups = 0;
  let element = 0;
  const levels = to.flatMap(({ height, width }, index) => {
    const { start, rows, length } = aligned.levels[index];
    const entries = [groups, 0, height, width, start, rows, length, element];
    groups += Math.ceil((batch * height * width) / TILE);
    element += batch * outputs * height * width;
    return entries;
  });
  output.device.run({
    kernel: TILES,
    constants: { ...constants, TAPS: taps, STRIDE: stride },
    bindings: { input: aligned.tensor.range, weight: packed.range4, output: output.range },
    params: { inputs, outputs, batch, groups, tile_taps: paddedInputs(shape) * taps, level_count: to.length, levels },
    workgroups: [
      Math.min(groups, MAX_WORKGROUPS),
      Math.ceil(outputs / (constants.QUADS * TILE)),
      Math.ceil(groups / MAX_WORKGROUPS),
    ],
  });
}

function runRegisters(
  aligned: AlignedRows,
  packed: Tensor,
  output: Tensor,
  shape: ConvolutionShape,
  constants: Record<string, number>,
): void {
  const { inputs, outputs, kernel, stride, to } = shape;
  const { device } = output;
  const size = device.choice('tile.workgroup');
  const [rows, columns] = kernel === 1 ? [1, 8] : [2, 4];
  const { groups, levels } = groupsOf(shape, aligned, rows, columns);
  device.run({
    kernel: (kernel === 1 ? POINTWISE : CONV2D)[device.choice('convolution.weights')],
    constants: { ...constants, SIZE: size, ...(kernel === 3 && { STRIDE: stride }) },
    bindings: { input: aligned.tensor.range4, weight: packed.range4, output: output.range },
    params: { inputs, outputs, groups, level_count: to.length, levels },
    workgroups: [Math.ceil(groups / size), Math.ceil(outputs / TILE_CHANNELS), 1],
  });
}

/** `shape` is that of the transposed convolution. */
function runStride2(incoming: Tensor, packed: Tensor, gradient: Tensor, shape: ConvolutionShape): void {
  const { batch, inputs, outputs, from, to } = shape;
  const { device } = gradient;
  const size = device.choice('tile.workgroup');
  const shapes = from.map(({ height, width }) => ({ rows: height + 1, length: Math.ceil(width / 4) + 1 }));
  const aligned = alignRows(incoming, batch * inputs, from, shapes, 0);
  const { groups, levels } = groupsOf(shape, aligned, 2, 8);
  device.run({
    kernel: INPUT_GRADIENT[device.choice('convolution.weights')],
    constants: { SIZE: size },
    bindings: { incoming: aligned.tensor.range4, weight: packed.range4, output: gradient.range },
    params: { inputs, outputs, groups, level_count: to.length, levels },
    workgroups: [Math.ceil(groups / size), Math.ceil(outputs / TILE_CHANNELS), 1],
  });
  aligned.dispose();
}

/** Cuts the output of all levels and images into groups of rows × columns pixels; `levels` is the kernels' table. */
function groupsOf(
  { batch, outputs, to }: ConvolutionShape,
  aligned: AlignedRows,
  rows: number,
  columns: number,
): { groups: number; levels: number[] } {
  let groups = 0;
  let element = 0;
  const levels = to.flatMap(({ height, width }, index) => {
    const source = aligned.levels[index];
    const perRow = Math.ceil(width / columns);
    const entries = [groups, perRow, height, width, source.start, source.rows, source.length, element];
    groups += batch * Math.ceil(height / rows) * perRow;
    element += batch * outputs * height * width;
    return entries;
  });
  return { groups, levels };
}
