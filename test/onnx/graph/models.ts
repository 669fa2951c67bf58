import { onnx } from 'onnx-proto';
import { Random } from '../../../src/tensor/random.js';

type Attribute = number | string | readonly number[] | { float: number };

/** Writes a small model as exporters do; every method that makes a tensor gives its name. */
export class Builder {
  readonly #nodes: onnx.INodeProto[] = [];
  readonly #initializers: onnx.ITensorProto[] = [];
  readonly #random = Random.of(5);
  readonly #hasInitializers: boolean;
  readonly opset: number;

  /** @param options `initializers` false: weights are nodes `Constant`, as old versions of Paddle2ONNX write them */
  constructor(opset: number, { initializers = true } = {}) {
    this.opset = opset;
    this.#hasInitializers = initializers;
  }

  node(opType: string, input: string[], attributes: Record<string, Attribute> = {}, name?: string): string {
    return this.nodes(opType, input, attributes, 1, name)[0];
  }

  nodes(opType: string, input: string[], attributes: Record<string, Attribute>, count: number, name?: string) {
    const own = name ?? `${opType.toLowerCase()}.${this.#nodes.length}`;
    const output = Array.from({ length: count }, (_, i) => (count === 1 ? own : `${own}.${i}`));
    const attribute = Object.entries(attributes).map(([key, value]) => attributeOf(key, value));
    this.#nodes.push({ opType, name: `node ${own}`, input, output, attribute });
    return output;
  }

  /** As exporters write numbers in formulas. */
  constant(
    values: number[],
    isFloat = true,
    shape: number[] = values.length === 1 ? [] : [values.length],
    output = `constant.${this.#nodes.length}`,
  ): string {
    const t = tensor('', shape, values, isFloat);
    this.#nodes.push({
      opType: 'Constant',
      name: output,
      input: [],
      output: [output],
      attribute: [{ name: 'value', type: 4, t }],
    });
    return output;
  }

  /** An initializer. */
  floats(name: string, shape: number[], values: number[]): string {
    if (!this.#hasInitializers) return this.constant(values, true, shape, name);
    if (this.#initializers.some((one) => one.name === name)) return name;
    this.#initializers.push(tensor(name, shape, values, true));
    return name;
  }

  /** Likewise, of numbers at random that keep a network's values near 1. */
  weights(name: string, shape: number[], fan = shape.slice(1).reduce((a, b) => a * b, 1), around = 0): string {
    const size = shape.reduce((a, b) => a * b, 1);
    const spread = 1.2 / Math.sqrt(fan);
    return this.floats(
      name,
      shape,
      Array.from({ length: size }, () => around + spread * this.#random.normal()),
    );
  }

  /** A convolution with weight and bias under its name, padded to keep the size. */
  convolution(
    name: string,
    x: string,
    [inputs, outputs, kernel]: [number, number, number],
    { stride = 1, group = 1, bias = true } = {},
  ): string {
    const pad = (kernel - 1) / 2;
    const weight = this.weights(`${name}.weight`, [outputs, inputs / group, kernel, kernel]);
    const operands = bias ? [x, weight, this.weights(`${name}.bias`, [outputs], 16)] : [x, weight];
    return this.node('Conv', operands, {
      dilations: [1, 1],
      group,
      kernel_shape: [kernel, kernel],
      pads: [pad, pad, pad, pad],
      strides: [stride, stride],
    });
  }

  batchNorm(name: string, x: string, channels: number): string {
    const part = (of: string, around: number) => this.weights(`${name}.${of}`, [channels], 30, around);
    const variance = this.floats(
      `${name}.variance`,
      [channels],
      Array.from({ length: channels }, (_, i) => 0.5 + 0.1 * i),
    );
    const operands = [x, part('scale', 1), part('shift', 0), part('mean', 0), variance];
    return this.node('BatchNormalization', operands, { epsilon: { float: 1e-3 }, momentum: { float: 0.97 } });
  }

  /** @param declared shapes of outputs and of tensors inside, by name */
  encode(
    inputs: Record<string, (number | string)[]>,
    outputs: string[],
    declared: Record<string, (number | string)[]> = {},
  ): Uint8Array {
    const port = (name: string, shape: (number | string)[] | null) => ({
      name,
      type: {
        tensorType: {
          elemType: 1,
          ...(shape && {
            shape: { dim: shape.map((one) => (typeof one === 'number' ? { dimValue: one } : { dimParam: one })) },
          }),
        },
      },
    });
    return onnx.ModelProto.encode({
      irVersion: 7,
      opsetImport: [{ domain: '', version: this.opset }],
      graph: {
        name: 'test',
        node: this.#nodes,
        initializer: this.#initializers,
        input: Object.entries(inputs).map(([name, shape]) => port(name, shape)),
        output: outputs.map((name) => port(name, declared[name] ?? null)),
        valueInfo: Object.entries(declared).flatMap(([name, shape]) =>
          outputs.includes(name) ? [] : [port(name, shape)],
        ),
      },
    }).finish();
  }
}

function tensor(name: string, dims: number[], values: number[], isFloat: boolean): onnx.ITensorProto {
  const data = isFloat ? Float32Array.from(values) : BigInt64Array.from(values, BigInt);
  return { name, dims, dataType: isFloat ? 1 : 7, rawData: new Uint8Array(data.buffer) };
}

function attributeOf(name: string, value: Attribute): onnx.IAttributeProto {
  if (typeof value === 'number') return { name, type: 2, i: value };
  if (typeof value === 'string') return { name, type: 3, s: new TextEncoder().encode(value) };
  if (Array.isArray(value)) return { name, type: 7, ints: [...value] };
  return { name, type: 1, f: (value as { float: number }).float };
}

/** A model and the tensors to compare. */
export interface SmallModel {
  model: Uint8Array;
  input: string;
  shape: number[];
  outputs: string[];
}

const SIZE = 16;

/** In the manner of NanoDet-m: depthwise convolutions, LeakyRelu, channel shuffles, linear Resize whose sizes are computed. */
export function nanodetLike(batch: number | string = 1): SmallModel {
  const b = new Builder(11);
  const leaky = (x: string) => b.node('LeakyRelu', [x], { alpha: { float: 0.1 } });
  const stem = leaky(b.convolution('stem', 'images', [3, 8, 3], { stride: 2 }));
  const pooled = b.node('MaxPool', [stem], { kernel_shape: [3, 3], pads: [1, 1, 1, 1], strides: [2, 2], ceil_mode: 0 });
  // A unit of ShuffleNet: half of the channels pass, then the halves are interleaved.
  const half = (from: number, to: number) => {
    const [starts, ends, axes] = [[from], [to], [1]].map((one) => b.constant(one, false, [1]));
    return b.node('Slice', [pooled, starts, ends, axes]);
  };
  const [left, right] = [half(0, 4), half(4, 2 ** 40)];
  const deep = leaky(b.convolution('unit1', right, [4, 4, 1]));
  const wide = b.convolution('unit2', deep, [4, 4, 3], { group: 4 });
  const joined = b.node('Concat', [left, leaky(b.convolution('unit3', wide, [4, 4, 1]))], { axis: 1 });
  const split = b.node('Reshape', [joined, b.constant([typeof batch === 'number' ? batch : 0, 2, 4, 4, 4], false)]);
  const turned = b.node('Transpose', [split], { perm: [0, 2, 1, 3, 4] });
  const c3 = b.node('Reshape', [turned, b.constant([typeof batch === 'number' ? batch : 0, -1, 4, 4], false)]);
  const c4 = leaky(b.convolution('down', c3, [8, 8, 3], { stride: 2 }));
  // As PyTorch writes F.interpolate(c4, size=c3.shape[2:]).
  const shape = b.node('Shape', [c3]);
  const pick = (index: number) => {
    const one = b.node('Gather', [shape, b.constant([index], false)], { axis: 0 });
    return b.node('Unsqueeze', [b.node('Cast', [one], { to: 7 })], { axes: [0] });
  };
  const spatial = b.node('Concat', [pick(2), pick(3)], { axis: 0 });
  const [zero, two] = [b.constant([0], false, [1]), b.constant([2], false, [1])];
  const front = b.node('Slice', [b.node('Shape', [c4]), zero, two, b.constant([0], false, [1])]);
  const sizes = b.node('Concat', [front, spatial], { axis: 0 });
  const attributes = { coordinate_transformation_mode: 'pytorch_half_pixel', cubic_coeff_a: { float: -0.75 } };
  const empty = b.floats('roi', [0], []);
  const up = b.node('Resize', [c4, empty, empty, sizes], { ...attributes, mode: 'linear', nearest_mode: 'floor' });
  const merged = b.node('Add', [c3, up]);
  const head = b.convolution('head', leaky(b.convolution('tower', merged, [8, 8, 3], { group: 8 })), [8, 6, 1]);
  const [cls, box] = b.nodes('Split', [head], { axis: 1, split: [2, 4] }, 2);
  const rows = (map: string, channels: number, name: string) => {
    const flat = b.node('Reshape', [map, b.constant([typeof batch === 'number' ? batch : 0, channels, -1], false)]);
    return b.node('Transpose', [flat], { perm: [0, 2, 1] }, name);
  };
  rows(b.node('Sigmoid', [cls]), 2, 'scores');
  rows(box, 4, 'distances');
  const shapes = [batch, 3, SIZE, SIZE];
  return {
    model: b.encode({ images: shapes }, ['scores', 'distances']),
    input: 'images',
    shape: [2, 3, SIZE, SIZE],
    outputs: ['scores', 'distances'],
  };
}

/** In the manner of YOLOv8: x · σ(x), C2f, SPPF, nearest Resize by a factor, and a decoder behind the maps. */
export function yoloLike(): SmallModel {
  const b = new Builder(17);
  const block = (name: string, x: string, size: [number, number, number], stride = 1) => {
    const y = b.convolution(name, x, size, { stride });
    return b.node('Mul', [y, b.node('Sigmoid', [y])]);
  };
  const stem = block('stem', 'images', [3, 8, 3], 2);
  const c2f = (name: string, x: string) => {
    const [left, right] = b.nodes(
      'Split',
      [block(`${name}.1`, x, [8, 8, 1]), b.constant([4, 4], false)],
      { axis: 1 },
      2,
    );
    const inner = block(`${name}.3`, block(`${name}.2`, right, [4, 4, 3]), [4, 4, 3]);
    return block(`${name}.4`, b.node('Concat', [left, right, b.node('Add', [right, inner])], { axis: 1 }), [12, 8, 1]);
  };
  const p3 = c2f('c2f', stem);
  const p4 = block('down', p3, [8, 8, 3], 2);
  const pool = (x: string) =>
    b.node('MaxPool', [x], {
      kernel_shape: [5, 5],
      pads: [2, 2, 2, 2],
      strides: [1, 1],
      ceil_mode: 0,
      dilations: [1, 1],
    });
  const first = block('sppf1', p4, [8, 4, 1]);
  const pools = [pool(first)];
  pools.push(pool(pools[0]));
  pools.push(pool(pools[1]));
  const sppf = block('sppf2', b.node('Concat', [first, ...pools], { axis: 1 }), [16, 8, 1]);
  const attributes = { coordinate_transformation_mode: 'asymmetric', mode: 'nearest', nearest_mode: 'floor' };
  const up = b.node('Resize', [sppf, '', b.floats('scales', [4], [1, 1, 2, 2])], attributes);
  const merged = block('merge', b.node('Concat', [up, p3], { axis: 1 }), [16, 8, 3]);
  const box = b.convolution('box', merged, [8, 16, 1]);
  const cls = b.convolution('cls', merged, [8, 3, 1]);
  const map = b.node('Concat', [box, cls], { axis: 1 }, 'map');
  // A decoder, which training does not need: an operator that is not read.
  const rows = b.node('Reshape', [map, b.constant([0, 19, -1], false)]);
  const [best] = b.nodes('TopK', [rows, b.constant([5], false, [1])], { axis: 2 }, 2, 'best');
  return {
    model: b.encode({ images: ['batch', 3, SIZE, SIZE] }, ['map', best]),
    input: 'images',
    shape: [2, 3, SIZE, SIZE],
    outputs: ['map'],
  };
}

/** In the manner of PicoDet: HardSwish written out, squeeze and excitation, 5×5 depthwise convolutions, batch norms. */
export function picodetLike(): SmallModel {
  const b = new Builder(11);
  const swish = (x: string) => {
    const shifted = b.node('Add', [x, b.constant([3])]);
    const clipped = b.node('Clip', [shifted, b.constant([0]), b.constant([6])]);
    return b.node('Div', [b.node('Mul', [x, clipped]), b.constant([6])]);
  };
  const stem = swish(b.batchNorm('norm', b.convolution('stem', 'images', [3, 8, 3], { stride: 2, bias: false }), 8));
  const wide = swish(b.batchNorm('norm2', b.convolution('depthwise', stem, [8, 8, 5], { group: 8, bias: true }), 8));
  const squeezed = b.node('GlobalAveragePool', [wide]);
  const excited = b.convolution('se2', b.node('Relu', [b.convolution('se1', squeezed, [8, 4, 1])]), [4, 8, 1]);
  const gate = b.node('HardSigmoid', [excited], { alpha: { float: 1 / 6 }, beta: { float: 0.5 } });
  const gated = b.node('Mul', [wide, gate]);
  const pooled = b.node('AveragePool', [gated], { kernel_shape: [2, 2], strides: [2, 2], pads: [0, 0, 0, 0] });
  const end = b.node('Sigmoid', [b.convolution('head', pooled, [8, 5, 1])], {}, 'scores');
  return {
    model: b.encode({ images: ['batch', 3, SIZE, SIZE] }, [end]),
    input: 'images',
    shape: [2, 3, SIZE, SIZE],
    outputs: ['scores'],
  };
}

/** In the manner of a GFocal head on a ResNet: 7×7 of stride 2, batch norm alone, group norm as exporters write it, a scale. */
export function gfocalLike(): SmallModel {
  const b = new Builder(13);
  const stem = b.node('Relu', [
    b.batchNorm('norm', b.convolution('stem', 'images', [3, 8, 7], { stride: 2, bias: false }), 8),
  ]);
  const pooled = b.node('MaxPool', [stem], { kernel_shape: [3, 3], pads: [1, 1, 1, 1], strides: [2, 2] });
  const plain = b.batchNorm('norm2', pooled, 8);
  const tower = b.convolution('tower', plain, [8, 8, 3], { bias: false });
  const grouped = b.node('Reshape', [tower, b.constant([0, 4, -1], false)]);
  const [one, none] = [b.constant([1, 1, 1, 1]), b.constant([0, 0, 0, 0])];
  const normal = b.node('InstanceNormalization', [grouped, one, none], { epsilon: { float: 1e-5 } });
  const back = b.node('Reshape', [normal, b.node('Shape', [tower])]);
  const scaled = b.node('Mul', [back, b.weights('gn.scale', [8, 1, 1], 30, 1)]);
  const active = b.node('Relu', [b.node('Add', [scaled, b.weights('gn.shift', [8, 1, 1], 30)])]);
  // Some necks enlarge maps by it.
  const weight = b.weights('larger.weight', [8, 4, 2, 2], 32);
  const operands = [active, weight, b.weights('larger.bias', [8], 16)];
  const larger = b.node('ConvTranspose', operands, {
    group: 2,
    kernel_shape: [2, 2],
    strides: [2, 2],
    pads: [0, 0, 0, 0],
  });
  const maps = b.convolution('box', larger, [8, 4, 3]);
  const end = b.node('Mul', [maps, b.floats('scale', [], [1.3])], {}, 'distances');
  return {
    model: b.encode({ images: ['batch', 3, SIZE, SIZE] }, [end]),
    input: 'images',
    shape: [2, 3, SIZE, SIZE],
    outputs: ['distances'],
  };
}

/** In the manner of a transformer: layer norm, a product of matrices with its bias, softmax of scores, GELU; then a Gemm. */
export function attentionLike(): SmallModel {
  const b = new Builder(17);
  const map = b.convolution('stem', 'images', [3, 8, 3], { stride: 2 });
  const rows = b.node('Transpose', [b.node('Reshape', [map, b.constant([0, 8, -1], false)])], { perm: [0, 2, 1] });
  const norm = b.node('LayerNormalization', [rows, b.weights('ln.scale', [8], 30, 1), b.weights('ln.shift', [8], 30)]);
  const project = (name: string) => {
    const product = b.node('MatMul', [norm, b.weights(`${name}.weight`, [8, 8], 8)]);
    return b.node('Add', [b.weights(`${name}.bias`, [8], 16), product]);
  };
  const keys = b.node('Transpose', [project('key')], { perm: [0, 2, 1] });
  const scores = b.node('Softmax', [b.node('MatMul', [project('query'), keys])], { axis: -1 });
  const mixed = b.node('Add', [rows, b.node('MatMul', [scores, project('value')])]);
  const erf = b.node('Erf', [b.node('Div', [mixed, b.constant([Math.SQRT2])])]);
  const raised = b.node('Mul', [mixed, b.node('Add', [erf, b.constant([1])])]);
  const active = b.node('Mul', [raised, b.constant([0.5])]);
  const mean = b.node('ReduceMean', [active], { axes: [1], keepdims: 0 });
  const operands = [mean, b.weights('gemm.weight', [5, 8]), b.weights('gemm.bias', [5], 16)];
  b.node('Gemm', operands, { alpha: { float: 0.5 }, beta: { float: 2 }, transB: 1 }, 'classes');
  const shape = [2, 3, SIZE, SIZE];
  return {
    model: b.encode({ images: ['batch', 3, SIZE, SIZE] }, ['classes']),
    input: 'images',
    shape,
    outputs: ['classes'],
  };
}
