import conv2dSource from '../../shaders/ops/conv2d.wgsl';
import inputGradientSource from '../../shaders/ops/conv2d_input_gradient.wgsl';
import inputGradientSubgroupsSource from '../../shaders/ops/conv2d_input_gradient_subgroups.wgsl';
import conv2dSubgroupsSource from '../../shaders/ops/conv2d_subgroups.wgsl';
import matricesSource from '../../shaders/ops/convolution_matrices.wgsl';
import tilesSource from '../../shaders/ops/convolution_tiles.wgsl';
import packWeightSource from '../../shaders/ops/pack_weight.wgsl';
import pointwiseSource from '../../shaders/ops/pointwise.wgsl';
import pointwiseSubgroupsSource from '../../shaders/ops/pointwise_subgroups.wgsl';
import winogradSource, { constants as winograd } from '../../shaders/ops/winograd.wgsl';
import winogradWeightSource from '../../shaders/ops/winograd_weight.wgsl';
import { emptyLike } from '../autograd/sum.js';
import { type KernelDefinition, MAX_WORKGROUPS } from '../gpu/launch.js';
import type { LevelSize, Pyramid } from '../tensor/pyramid.js';
import { storedKernel } from '../tensor/stored.js';
import type { DataType, Tensor } from '../tensor/tensor.js';
import { type Activation, activationConstants } from './activated.js';
import { type AlignedRows, alignedAsIs, alignRows } from './alignedRows.js';
import { matrixKernel } from './matrixKernel.js';

/** By the choice `convolution.weights`. */
const CONV2D = {
  subgroups: storedKernel({ name: 'conv2d_subgroups', source: conv2dSubgroupsSource }),
  direct: storedKernel({ name: 'conv2d', source: conv2dSource }),
};
const POINTWISE = {
  subgroups: storedKernel({ name: 'pointwise_subgroups', source: pointwiseSubgroupsSource }),
  direct: storedKernel({ name: 'pointwise', source: pointwiseSource }),
};
const INPUT_GRADIENT = {
  subgroups: storedKernel({ name: 'conv2d_input_gradient_subgroups', source: inputGradientSubgroupsSource }),
  direct: storedKernel({ name: 'conv2d_input_gradient', source: inputGradientSource }),
};
const TILES = storedKernel({ name: 'convolution_tiles', source: tilesSource });
const MATRICES = matrixKernel({ name: 'convolution_matrices', source: matricesSource });
const WINOGRAD = storedKernel({ name: 'winograd', source: winogradSource });
const WINOGRAD_WEIGHT = { name: 'winograd_weight', source: winogradWeightSource };
const PACK_WEIGHT = storedKernel({ name: 'pack_weight', source: packWeightSource });

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

interface Weights {
  weight: Tensor;
  bias: Tensor | null;
  /** For the gradient of the input: channels exchanged, taps turned by half a circle. */
  transposed: boolean;
}

/** output = bias + weight ∗ input, with the activation. */
export function convolve(
  input: ConvolutionInput,
  weight: Tensor,
  bias: Tensor | null,
  output: Tensor,
  shape: ConvolutionShape,
  activation?: Activation,
): void {
  run(input, { weight, bias, transposed: false }, output, shape, activation);
}

/** The gradient with respect to the maps, a new pyramid like `model`. */
export function inputGradient(incoming: Tensor, weight: Tensor, model: Pyramid, shape: ConvolutionShape): Pyramid {
  const gradient = emptyLike(model);
  const transposed = { ...shape, inputs: shape.outputs, outputs: shape.inputs, from: shape.to, to: shape.from };
  const weights = { weight, bias: null, transposed: true };
  if (shape.stride === 1) {
    const input = new ConvolutionInput(incoming, transposed);
    run(input, weights, gradient, transposed);
    input.dispose();
  } else {
    const packed = packWeight(weights, transposed, model.type);
    runStride2(incoming, packed, gradient, transposed);
    packed.dispose();
  }
  return gradient;
}

/** What a convolution and the gradient of its weight read: maps, which stay the caller's, and their copy where a kernel asks for it. */
export class ConvolutionInput {
  readonly maps: Tensor;
  readonly #shape: ConvolutionShape;
  #aligned: AlignedRows | null = null;

  constructor(maps: Tensor, shape: ConvolutionShape) {
    this.maps = maps;
    this.#shape = shape;
  }

  /** Rows of whole vec4; for 3×3 with a border of zeros around each map. Made when it is first asked for. */
  aligned(): AlignedRows {
    this.#aligned ??= alignInput(this.maps, this.#shape);
    return this.#aligned;
  }

  /** Whether there is a copy. */
  get isCopied(): boolean {
    return this.#aligned !== null && this.#aligned.tensor !== this.maps;
  }

  /** Gives the copy's memory back. */
  dispose(): void {
    this.#aligned?.dispose();
    this.#aligned = null;
  }
}

function alignInput(maps: Tensor, { batch, inputs, kernel, stride, from, to }: ConvolutionShape): AlignedRows {
  if (kernel === 1) return alignedAsIs(maps, batch * inputs, from);
  const shapes = to.map(({ height, width }) => ({
    rows: stride * (height - 1) + 3,
    length: stride * Math.ceil(width / 4) + 1,
  }));
  return alignRows(maps, batch * inputs, from, shapes, 1);
}

/** The weights in the type of the maps; see shaders/ops/pack_weight.wgsl. */
function packWeight({ weight, bias, transposed }: Weights, shape: ConvolutionShape, type: DataType): Tensor {
  const { inputs, outputs, kernel } = shape;
  const taps = kernel * kernel;
  const padded = paddedInputs(shape);
  const count = 2 * Math.ceil(outputs / TILE_CHANNELS) * (padded * taps + 1);
  const packed = weight.device.empty([4 * count], type);
  weight.device.run({
    kernel: PACK_WEIGHT(packed),
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
  input: ConvolutionInput,
  weights: Weights,
  output: Tensor,
  shape: ConvolutionShape,
  activation?: Activation,
): void {
  const choice = output.device.choice('convolution.kernel');
  const constants = activationConstants(activation);
  if (choice === 'winograd' && shape.kernel === 3 && shape.stride === 1) {
    runWinograd(input.maps, weights, output, shape, constants);
  } else if (choice === 'registers') {
    runRegisters(input.aligned(), weights, output, shape, constants);
  } else {
    runTiles(tilesOf(choice, input.maps, output, shape), input.maps, weights, output, shape, constants);
  }
}

function runWinograd(
  maps: Tensor,
  { weight, bias, transposed }: Weights,
  output: Tensor,
  shape: ConvolutionShape,
  constants: Record<string, number>,
): void {
  const { device } = output;
  const { batch, inputs, outputs, to } = shape;
  const transformed = device.empty([16 * outputs * inputs]);
  device.run({
    kernel: WINOGRAD_WEIGHT,
    bindings: { weight: weight.range, transformed: transformed.range4 },
    params: { outputs, inputs, transposed: transposed ? 1 : 0 },
    invocations: outputs * inputs,
  });
  const { groups, levels } = levelTable(shape, mapsOf(shape), ({ height, width }) => {
    const perRow = Math.ceil(width / 2);
    return { groups: Math.ceil((batch * Math.ceil(height / 2) * perRow) / winograd.TILES), perRow };
  });
  device.run({
    kernel: WINOGRAD(maps, output),
    constants,
    bindings: {
      input: maps.range,
      weight: transformed.range4,
      bias: (bias ?? weight).range,
      output: output.range,
    },
    params: { inputs, outputs, batch, groups, has_bias: bias ? 1 : 0, level_count: to.length, levels },
    workgroups: inThree(groups, Math.ceil(outputs / winograd.CHANNELS)),
  });
  transformed.dispose();
}

/** Workgroups of many groups of pixels, and of some of channels, in y. */
function inThree(groups: number, channels: number): [number, number, number] {
  return [Math.min(groups, MAX_WORKGROUPS), channels, Math.ceil(groups / MAX_WORKGROUPS)];
}

/** A kernel by products of matrices: workgroups of so many channels × pixels. */
interface Tiles {
  kernel: KernelDefinition;
  constants: Record<string, number>;
  channels: number;
  pixels: number;
}

function tilesOf(
  choice: 'tiles-64' | 'tiles-128' | 'winograd' | 'matrices',
  input: Tensor,
  output: Tensor,
  { outputs }: ConvolutionShape,
): Tiles {
  const product = choice === 'matrices' ? MATRICES(input, output) : null;
  if (product) return { ...product, channels: TILE, pixels: TILE };
  const quads = choice === 'tiles-128' && outputs > TILE ? 2 : 1;
  // For few channels half as many of them, and twice as many pixels.
  const lines = outputs > TILE / 2 ? 16 : 8;
  const constants = { QUADS: quads, LINES: lines };
  return { kernel: TILES(input, output), constants, channels: 4 * quads * lines, pixels: 1024 / lines };
}

function runTiles(
  { kernel, constants, channels, pixels }: Tiles,
  maps: Tensor,
  { weight, bias, transposed }: Weights,
  output: Tensor,
  shape: ConvolutionShape,
  activation: Record<string, number>,
): void {
  const { batch, inputs, outputs, kernel: side, stride, to } = shape;
  const { groups, levels } = levelTable(shape, mapsOf(shape), ({ height, width }) => ({
    groups: Math.ceil((batch * height * width) / pixels),
    perRow: 0,
  }));
  output.device.run({
    kernel,
    constants: { ...constants, ...activation, TAPS: side * side, STRIDE: stride, TRANSPOSED: transposed ? 1 : 0 },
    bindings: { input: maps.range, weight: weight.range, bias: (bias ?? weight).range, output: output.range },
    params: { inputs, outputs, batch, groups, has_bias: bias ? 1 : 0, level_count: to.length, levels },
    workgroups: inThree(groups, Math.ceil(outputs / channels)),
  });
}

function runRegisters(
  aligned: AlignedRows,
  own: Weights,
  output: Tensor,
  shape: ConvolutionShape,
  constants: Record<string, number>,
): void {
  const packed = packWeight(own, shape, output.type);
  const { inputs, outputs, kernel, stride, to } = shape;
  const { device } = output;
  const size = device.choice('tile.workgroup');
  const weights = device.choice('convolution.weights');
  const sharing = weights === 'subgroups' && device.sharingLanes;
  const channels = kernel === 1 && outputs > TILE_CHANNELS ? 2 * TILE_CHANNELS : TILE_CHANNELS;
  const [rows, columns] = kernel === 1 ? [1, 8] : [2, 4];
  const { groups, levels } = groupsOf(shape, aligned, rows, columns);
  device.run({
    kernel: (kernel === 1 ? POINTWISE : CONV2D)[weights](aligned.tensor, output),
    constants: {
      ...constants,
      SIZE: size,
      // Eight lanes, as lavapipe has, mean larger registers, too.
      ...(kernel === 3 ? { STRIDE: stride, BY_CHANNELS: sharing === 8 ? 1 : 0 } : { CHANNELS: channels }),
      ...(sharing && { LANES: sharing }),
    },
    bindings: { input: aligned.tensor.range4, weight: packed.range4, output: output.range },
    params: { inputs, outputs, groups, level_count: to.length, levels },
    workgroups: [Math.ceil(groups / size), Math.ceil(outputs / channels), 1],
  });
  packed.dispose();
}

/** `shape` is that of the transposed convolution. */
function runStride2(incoming: Tensor, packed: Tensor, gradient: Tensor, shape: ConvolutionShape): void {
  const { batch, inputs, outputs, from, to } = shape;
  const { device } = gradient;
  const size = device.choice('tile.workgroup');
  const weights = device.choice('convolution.weights');
  const shapes = from.map(({ height, width }) => ({ rows: height + 1, length: Math.ceil(width / 4) + 1 }));
  const aligned = alignRows(incoming, batch * inputs, from, shapes, 0);
  const { groups, levels } = groupsOf(shape, aligned, 2, 8);
  device.run({
    kernel: INPUT_GRADIENT[weights](aligned.tensor, gradient),
    constants: { SIZE: size, ...(weights === 'subgroups' && { LANES: device.sharingLanes }) },
    bindings: { incoming: aligned.tensor.range4, weight: packed.range4, output: gradient.range },
    params: { inputs, outputs, groups, level_count: to.length, levels },
    workgroups: [Math.ceil(groups / size), Math.ceil(outputs / TILE_CHANNELS), 1],
  });
  aligned.dispose();
}

/** Cuts the output of all levels and images into groups of rows × columns pixels. */
function groupsOf(shape: ConvolutionShape, aligned: AlignedRows, rows: number, columns: number) {
  return levelTable(shape, aligned.levels, ({ height, width }) => {
    const perRow = Math.ceil(width / columns);
    return { groups: shape.batch * Math.ceil(height / rows) * perRow, perRow };
  });
}

/** Where each level of the input lies, as elements, and its rows. */
function mapsOf({ batch, inputs, from }: ConvolutionShape): InputLevel[] {
  let start = 0;
  return from.map(({ height, width }) => {
    const level = { start, rows: height, length: width };
    start += batch * inputs * height * width;
    return level;
  });
}

/** In vec4 of aligned rows, or in elements of maps. */
interface InputLevel {
  start: number;
  rows: number;
  /** Of a row. */
  length: number;
}

/** The kernels' table of levels, whose groups lie one after another. */
function levelTable(
  { batch, outputs, to }: ConvolutionShape,
  input: readonly InputLevel[],
  groupsOf: (size: LevelSize) => { groups: number; perRow: number },
): { groups: number; levels: number[] } {
  let first = 0;
  let element = 0;
  const levels = to.flatMap((size, index) => {
    const { height, width } = size;
    const { start, rows, length } = input[index];
    const { groups, perRow } = groupsOf(size);
    const entries = [first, perRow, height, width, start, rows, length, element];
    first += groups;
    element += batch * outputs * height * width;
    return entries;
  });
  return { groups: first, levels };
}
