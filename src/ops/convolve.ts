import conv2dSource from '../../shaders/ops/conv2d.wgsl';
import inputGradientSource from '../../shaders/ops/conv2d_input_gradient.wgsl';
import packWeightSource from '../../shaders/ops/pack_weight.wgsl';
import { type LevelSize, Pyramid } from '../tensor/pyramid.js';
import type { Tensor } from '../tensor/tensor.js';
import { type AlignedRows, alignedAsIs, alignRows } from './alignedRows.js';

const CONV2D = { name: 'conv2d', source: conv2dSource };
const INPUT_GRADIENT = { name: 'conv2d_input_gradient', source: inputGradientSource };
const PACK_WEIGHT = { name: 'pack_weight', source: packWeightSource };

/** What one invocation of the kernels computes; see shaders/ops/conv2d_tile.wgsl. */
const TILE_CHANNELS = 4;
const TILE_PIXELS = 8;
const WORKGROUP = 64;

/** The sizes of one convolution. */
export interface ConvolutionShape {
  batch: number;
  inputs: number;
  outputs: number;
  kernel: 1 | 3;
  stride: 1 | 2;
  /** Maps of the input and of the output, each level. A 1×1 convolution takes its maps as one row. */
  from: readonly LevelSize[];
  to: readonly LevelSize[];
}

/** output = bias + weight ∗ maps. */
export function convolve(
  maps: Tensor,
  weight: Tensor,
  bias: Tensor | null,
  output: Tensor,
  shape: ConvolutionShape,
): void {
  const aligned = alignInput(maps, shape);
  const packed = packWeight(weight, bias, shape, false);
  run(aligned, packed, output, shape);
  packed.dispose();
  aligned.dispose();
}

/** The gradient with respect to the maps, a new pyramid with the sizes of `model`. */
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

/** The input as the kernels read it: groups of eight output pixels meet whole vec4, and a border of zeros lies round the map. */
export function alignInput(maps: Tensor, { batch, inputs, kernel, stride, from, to }: ConvolutionShape): AlignedRows {
  if (kernel === 1) return alignedAsIs(maps, batch * inputs, from);
  const shapes = to.map(({ height, width }) => ({
    rows: stride * (height - 1) + 3,
    length: 2 * stride * Math.ceil(width / TILE_PIXELS) + 1,
  }));
  return alignRows(maps, batch * inputs, from, shapes, 1);
}

/** The weight as the kernels read it; see shaders/ops/pack_weight.wgsl. */
function packWeight(weight: Tensor, bias: Tensor | null, shape: ConvolutionShape, transposed: boolean): Tensor {
  const { inputs, outputs, kernel } = shape;
  const taps = kernel * kernel;
  const count = Math.ceil(outputs / TILE_CHANNELS) * (inputs * taps + 1);
  const packed = weight.device.empty([4 * count]);
  weight.device.run({
    kernel: PACK_WEIGHT,
    bindings: { weight: weight.range, bias: (bias ?? weight).range, packed: packed.range4 },
    params: { count, outputs, inputs, taps, transposed: transposed ? 1 : 0, has_bias: bias ? 1 : 0 },
    invocations: count,
  });
  return packed;
}

function run(aligned: AlignedRows, packed: Tensor, output: Tensor, shape: ConvolutionShape): void {
  const { batch, inputs, outputs, kernel, stride, to } = shape;
  const { groups, table } = groupsOf(to, batch, (size) => [Math.ceil(size.width / TILE_PIXELS), size.height]);
  output.device.run({
    kernel: CONV2D,
    constants: { KERNEL: kernel, STRIDE: stride },
    bindings: { input: aligned.tensor.range4, weight: packed.range4, output: output.range },
    params: { inputs, outputs, groups, level_count: to.length, levels: levelTable(table, aligned, shape) },
    workgroups: [Math.ceil(groups / WORKGROUP), Math.ceil(outputs / TILE_CHANNELS), 1],
  });
}

function runStride2(incoming: Tensor, packed: Tensor, gradient: Tensor, shape: ConvolutionShape): void {
  const { batch, inputs, outputs, from, to } = shape;
  const shapes = from.map(({ height, width }) => ({
    rows: height + 1,
    length: 2 * Math.ceil(width / TILE_PIXELS) + 1,
  }));
  const aligned = alignRows(incoming, batch * inputs, from, shapes, 0);
  const { groups, table } = groupsOf(to, batch, (size) => [
    Math.ceil(size.width / (2 * TILE_PIXELS)),
    Math.ceil(size.height / 2),
  ]);
  for (const parity of [0, 1, 2, 3]) {
    gradient.device.run({
      kernel: INPUT_GRADIENT,
      constants: { PARITY_Y: parity >> 1, PARITY_X: parity & 1 },
      bindings: { incoming: aligned.tensor.range4, weight: packed.range4, gradient: gradient.range },
      params: { inputs, outputs, groups, level_count: to.length, levels: levelTable(table, aligned, shape) },
      workgroups: [Math.ceil(groups / WORKGROUP), Math.ceil(outputs / TILE_CHANNELS), 1],
    });
  }
  aligned.dispose();
}

/** Counts the groups of pixels of all levels; the table holds (first group, groups a row) of each. */
function groupsOf(
  to: readonly LevelSize[],
  batch: number,
  perMap: (size: LevelSize) => [columns: number, lines: number],
): { groups: number; table: [number, number][] } {
  let groups = 0;
  const table = to.map((size): [number, number] => {
    const [columns, lines] = perMap(size);
    const first = groups;
    groups += batch * lines * columns;
    return [first, columns];
  });
  return { groups, table };
}

function levelTable(table: [number, number][], aligned: AlignedRows, shape: ConvolutionShape): number[] {
  let element = 0;
  return shape.to.flatMap(({ height, width }, index) => {
    const { start, rows, length } = aligned.levels[index];
    const entries = [...table[index], height, width, start, rows, length, element];
    element += shape.batch * shape.outputs * height * width;
    return entries;
  });
}
