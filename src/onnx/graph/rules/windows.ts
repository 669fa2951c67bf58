import { convolution, transposedConvolution } from '../../../ops/convolution.js';
import { averagePool2d, maxPool2d, reduceMean } from '../../../ops/pooling.js';
import { resize2d } from '../../../ops/resize.js';
import { sizeOfShape } from '../host.js';
import { NodeFault, type NodeView, type Planned, type Rule, single } from '../nodeView.js';

type Pair = [number, number];
/** Top, left, bottom, right. */
type Pads = [number, number, number, number];

/** How a window moves over a map. */
interface Window {
  kernel: Pair;
  strides: Pair;
  dilations: Pair;
  pads: Pads;
  /** Height and width of what comes out. */
  size: Pair;
}

/** Operators that look at a window of a map, and those that change its size. */
export const WINDOWS: Record<string, Rule> = {
  Conv: (view) => {
    const [batch, channels] = view.map(0);
    const [outputs, perGroup, ...kernel] = view.map(1);
    const groups = view.number('group', 1);
    if (perGroup * groups !== channels || outputs % groups !== 0) {
      throw new NodeFault(`a weight of [${view.shape(1)}] in ${groups} groups for ${channels} channels`);
    }
    const given = view.list('kernel_shape');
    if (given && given.join() !== kernel.join())
      throw new NodeFault(`kernel_shape ${given}, but the weight has ${kernel}`);
    const { strides, pads, dilations, size } = windowOf(view, kernel as Pair);
    const options = { strides, pads, dilations, groups };
    const shape = [batch, outputs, ...size];
    return {
      shapes: [shape],
      operands: view.has(2) ? [0, 1, 2] : [0, 1],
      run: ([x, weight, bias = null]) => [convolution(x, weight, bias, options)],
      traits: {
        activated:
          (activation) =>
          ([x, weight, bias = null]) => [convolution(x, weight, bias, { ...options, activation })],
      },
      flops: 2 * sizeOfShape(shape) * perGroup * kernel[0] * kernel[1],
    };
  },
  ConvTranspose: (view) => {
    const [batch, channels, height, width] = view.map(0);
    const [inputs, perGroup, ...kernel] = view.map(1);
    const groups = view.number('group', 1);
    if (inputs !== channels || channels % groups !== 0) {
      throw new NodeFault(`a weight of [${view.shape(1)}] in ${groups} groups for ${channels} channels`);
    }
    view.ignore('kernel_shape');
    view.only('auto_pad', 'NOTSET');
    if (view.list('output_shape')) throw new NodeFault('its attribute output_shape is not read; export it with pads');
    const strides = view.list('strides') ?? [1, 1];
    const dilations = view.list('dilations') ?? [1, 1];
    const pads = view.list('pads') ?? [0, 0, 0, 0];
    const outputPadding = view.list('output_padding') ?? [0, 0];
    const size = [height, width].map(
      (extent, i) =>
        strides[i] * (extent - 1) + outputPadding[i] + (kernel[i] - 1) * dilations[i] + 1 - pads[i] - pads[i + 2],
    );
    if (size.some((extent) => extent < 1)) throw new NodeFault(`its pads ${pads} leave nothing of [${view.shape(0)}]`);
    const options = { strides, pads, dilations, groups, outputPadding };
    return {
      shapes: [[batch, perGroup * groups, ...size]],
      operands: view.has(2) ? [0, 1, 2] : [0, 1],
      run: ([x, weight, bias = null]) => [transposedConvolution(x, weight, bias, options)],
      flops: 2 * sizeOfShape(view.shape(0)) * perGroup * kernel[0] * kernel[1],
    };
  },
  MaxPool: (view) => {
    const [batch, channels] = view.map(0);
    view.only('storage_order', 0);
    const { kernel, strides, pads, dilations, size } = windowOf(view, pairOf(view, 'kernel_shape'));
    if (dilations.some((one) => one !== 1)) throw new NodeFault(`its dilations are ${dilations}; only 1 is read`);
    if (view.node.outputs.length > 1) throw new NodeFault('its second output, the indices, is not read');
    return single([batch, channels, ...size], [0], (x) => maxPool2d(x, { kernel, strides, pads }));
  },
  AveragePool: (view) => {
    const [batch, channels] = view.map(0);
    const { pads: declared } = { pads: view.list('pads') ?? [0, 0, 0, 0] };
    const { kernel, strides, pads, dilations, size } = windowOf(view, pairOf(view, 'kernel_shape'));
    if (dilations.some((one) => one !== 1)) throw new NodeFault(`its dilations are ${dilations}; only 1 is read`);
    const countIncludePad = view.number('count_include_pad', 0) === 1;
    // What rounding up adds is no padding that is counted.
    if (countIncludePad && pads.join() !== declared.join() && view.number('ceil_mode', 0) === 1) {
      throw new NodeFault('ceil_mode with count_include_pad');
    }
    return single([batch, channels, ...size], [0], (x) => averagePool2d(x, { kernel, strides, pads, countIncludePad }));
  },
  GlobalAveragePool: (view) => {
    const [batch, channels] = view.map(0);
    return single([batch, channels, 1, 1], [0], (x) => reduceMean(x, [2, 3], true));
  },
  GlobalMaxPool: (view) => {
    const [batch, channels, height, width] = view.map(0);
    const kernel: Pair = [height, width];
    return single([batch, channels, 1, 1], [0], (x) => maxPool2d(x, { kernel, strides: [1, 1], pads: [0, 0, 0, 0] }));
  },
  Resize: (view) => resize(view),
  Upsample: (view) => resize(view),
};

function pairOf(view: NodeView, name: string): Pair {
  const pair = view.list(name);
  if (pair?.length !== 2) throw new NodeFault(`its attribute ${name} has not two numbers`);
  return pair as Pair;
}

/** Padding and output size of a convolution or a pooling. */
function windowOf(view: NodeView, kernel: Pair): Window {
  const [, , ...extents] = view.map(0);
  const strides = (view.list('strides') ?? [1, 1]) as Pair;
  const dilations = (view.list('dilations') ?? [1, 1]) as Pair;
  const given = view.list('pads') ?? [0, 0, 0, 0];
  const auto = view.text('auto_pad', 'NOTSET');
  const roundsUp = view.number('ceil_mode', 0) === 1;
  const [before, after, size]: Pair[] = [
    [0, 0],
    [0, 0],
    [0, 0],
  ];
  for (const i of [0, 1]) {
    const reach = dilations[i] * (kernel[i] - 1) + 1;
    if (auto === 'SAME_UPPER' || auto === 'SAME_LOWER') {
      size[i] = Math.ceil(extents[i] / strides[i]);
      const total = Math.max(0, (size[i] - 1) * strides[i] + reach - extents[i]);
      before[i] = auto === 'SAME_UPPER' ? Math.floor(total / 2) : Math.ceil(total / 2);
      after[i] = total - before[i];
      continue;
    }
    if (auto === 'NOTSET') [before[i], after[i]] = [given[i], given[i + 2]];
    else if (auto !== 'VALID') throw new NodeFault(`its attribute auto_pad is ${auto}`);
    const room = extents[i] + before[i] + after[i] - reach;
    size[i] = Math.floor(room / strides[i]) + 1;
    if (roundsUp && room % strides[i] !== 0 && size[i] * strides[i] < extents[i] + before[i]) {
      // One window more, which reaches beyond the padding.
      after[i] += size[i] * strides[i] - room;
      size[i]++;
    }
  }
  if (size.some((extent) => extent < 1))
    throw new NodeFault(`a window of ${kernel} does not fit into [${view.shape(0)}]`);
  return { kernel, strides, dilations, pads: [before[0], before[1], after[0], after[1]], size };
}

const COORDINATES = ['half_pixel', 'pytorch_half_pixel', 'align_corners', 'asymmetric'] as const;
const ROUNDINGS = ['floor', 'ceil', 'round_prefer_floor', 'round_prefer_ceil'] as const;

function oneOf<T extends string>(words: readonly T[], word: string, what: string): T {
  const found = words.find((one) => one === word);
  if (!found) throw new NodeFault(`its ${what} is ${word}; only ${words.join(', ')} are read`);
  return found;
}

/** Resize of opset 10 and later, and Upsample, which came before. */
function resize(view: NodeView): Planned | 'pass' {
  const shape = view.map(0);
  const isModern = view.node.operator === 'Resize' && view.opset >= 11;
  const mode = oneOf(['nearest', 'linear'], view.text('mode', 'nearest').replace('bilinear', 'linear'), 'mode');
  const coordinates = view.text('coordinate_transformation_mode', isModern ? 'half_pixel' : 'asymmetric');
  const nearest = view.text('nearest_mode', isModern ? 'round_prefer_floor' : 'floor');
  view.ignore('cubic_coeff_a', 'extrapolation_value', 'exclude_outside');
  view.only('antialias', 0);
  view.only('keep_aspect_ratio_policy', 'stretch');
  const axes = view.list('axes')?.map((axis) => view.axis(axis)) ?? [0, 1, 2, 3];
  const [scalesAt, sizesAt] = isModern ? [2, 3] : [1, 4];
  // An empty tensor stands for one that is left out.
  const isGiven = (input: number) => view.has(input) && view.constant(input).data.length > 0;
  const result: number[] = [...shape];
  if (isGiven(sizesAt)) {
    for (const [i, extent] of view.numbers(sizesAt).entries()) result[axes[i]] = extent;
    const { rebatch } = view;
    if (rebatch && result[0] === rebatch.from) result[0] = shape[0];
  } else {
    const scales = isGiven(scalesAt) ? view.numbers(scalesAt) : (view.list('scales') ?? []);
    if (scales.length !== axes.length) throw new NodeFault('it has neither scales nor sizes');
    for (const [i, scale] of scales.entries()) {
      const extent = shape[axes[i]] * scale;
      result[axes[i]] = Math.floor(extent + 1e-6);
      if (Math.abs(extent - Math.round(extent)) > 1e-3) {
        throw new NodeFault(`${shape[axes[i]]} times ${scale} is no whole size; export it with sizes`);
      }
    }
  }
  if (result[0] !== shape[0] || result[1] !== shape[1]) throw new NodeFault('it resizes batch or channels');
  const [, , height, width] = result;
  if (height === shape[2] && width === shape[3]) return 'pass';
  const options = {
    height,
    width,
    mode,
    coordinates: oneOf(COORDINATES, coordinates, 'coordinate_transformation_mode'),
    nearest: oneOf(ROUNDINGS, nearest, 'nearest_mode'),
  };
  return single(result, [0], (x) => resize2d(x, options));
}
