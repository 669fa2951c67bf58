import type { onnx } from 'onnx-proto';
import { protobuf } from '../src/onnx/protobuf.js';
import { Random } from '../src/tensor/random.js';

/** Channels of the three stages of ShuffleNetV2 1.0× (Ma et al., 2018), and the units of each. */
const STAGES = [
  [116, 4],
  [232, 8],
  [464, 4],
] as const;
const STEM = 24;
const FEATURES = 96;
/** 80 classes and four distributions of 8 bins. */
const OUTPUTS = 112;

/**
 * A model with the graph of NanoDet-m (github.com/RangiLyu/nanodet) as its exporter writes it, batch norms folded, and weights at
 * random: ShuffleNetV2 1.0×, a path aggregation network of bilinear resizes, and a head of depthwise convolutions a level.
 * @param batch images at once
 * @param size pixels of a side, a multiple of 32
 * @returns the bytes of the file, whose outputs are the maps `stride8`, `stride16`, `stride32` of class and box logits
 */
export async function nanodetGraph(batch: number, size: number): Promise<Uint8Array> {
  const { ModelProto } = await protobuf();
  const graph = new Graph();
  const leaky = (x: string) => graph.node('LeakyRelu', [x], { alpha: 0.1 });
  const point = (x: string, inputs: number, outputs: number) => graph.convolution(x, inputs, outputs, 1);
  const depth = (x: string, channels: number, stride = 1) =>
    graph.convolution(x, channels, channels, 3, { stride, group: channels });

  let side = size / 4;
  let channels: number = STEM;
  const stem = leaky(graph.convolution('images', 3, STEM, 3, { stride: 2 }));
  let x = graph.node('MaxPool', [stem], { kernel_shape: [3, 3], pads: [1, 1, 1, 1], strides: [2, 2] });
  const shuffle = (left: string, right: string, all: number) => {
    const joined = graph.node('Concat', [left, right], { axis: 1 });
    const open = graph.node('Reshape', [joined, graph.integers([0, 2, all / 2, side, side])]);
    const turned = graph.node('Transpose', [open], { perm: [0, 2, 1, 3, 4] });
    return graph.node('Reshape', [turned, graph.integers([0, all, side, side])]);
  };
  const stages = STAGES.map(([width, units]) => {
    const half = width / 2;
    side /= 2;
    const first = leaky(point(depth(x, channels, 2), channels, half));
    const second = leaky(point(depth(leaky(point(x, channels, half)), half, 2), half, half));
    x = shuffle(first, second, width);
    for (let unit = 1; unit < units; unit++) {
      const cut = (from: number, to: number) =>
        graph.node('Slice', [x, ...[from, to, 1].map((one) => graph.integers([one]))]);
      const [kept, taken] = [cut(0, half), cut(half, width)];
      x = shuffle(kept, leaky(point(depth(leaky(point(taken, half, half)), half), half, half)), width);
    }
    channels = width;
    return { map: x, side };
  });

  const resized = (map: string, to: number) => {
    const sizes = ['', '', graph.integers([batch, FEATURES, to, to])];
    return graph.node('Resize', [map, ...sizes], { coordinate_transformation_mode: 'half_pixel', mode: 'linear' });
  };
  const levels = stages.map(({ map, side }, i) => ({ map: point(map, STAGES[i][0], FEATURES), side }));
  const add = (to: number, from: number) => {
    const [target, source] = [levels[to], levels[from]];
    target.map = graph.node('Add', [target.map, resized(source.map, target.side)]);
  };
  for (const [to, from] of [
    [1, 2],
    [0, 1],
    [1, 0],
    [2, 1],
  ]) {
    add(to, from);
  }
  const outputs = levels.map(({ map }, i) => {
    let tower = map;
    for (let turn = 0; turn < 2; turn++) tower = leaky(point(leaky(depth(tower, FEATURES)), FEATURES, FEATURES));
    return graph.convolution(tower, FEATURES, OUTPUTS, 1, {}, `stride${8 * 2 ** i}`);
  });
  return ModelProto.encode(graph.model([['images', [batch, 3, size, size]]], outputs)).finish();
}

/** Nodes as an exporter writes them; what makes a tensor gives its name. */
class Graph {
  readonly #nodes: onnx.INodeProto[] = [];
  readonly #initializers: onnx.ITensorProto[] = [];
  readonly #random = Random.of(3);

  node(
    opType: string,
    input: string[],
    attributes: Record<string, number | string | number[]> = {},
    name = '',
  ): string {
    const output = name || `${this.#nodes.length}`;
    const attribute = Object.entries(attributes).map(([key, value]) => attributeOf(key, value));
    this.#nodes.push({ opType, name: `${opType}_${this.#nodes.length}`, input, output: [output], attribute });
    return output;
  }

  convolution(
    x: string,
    inputs: number,
    outputs: number,
    kernel: number,
    { stride = 1, group = 1 } = {},
    name = '',
  ): string {
    const pad = (kernel - 1) / 2;
    const fan = (inputs / group) * kernel ** 2;
    const at = this.#nodes.length;
    const weight = this.#floats(`${at}.weight`, [outputs, inputs / group, kernel, kernel], Math.sqrt(2 / fan));
    const bias = this.#floats(`${at}.bias`, [outputs], 0.1);
    const window = { kernel_shape: [kernel, kernel], strides: [stride, stride], pads: [pad, pad, pad, pad] };
    return this.node('Conv', [x, weight, bias], { ...window, dilations: [1, 1], group }, name);
  }

  integers(values: readonly number[]): string {
    const name = `integers.${this.#initializers.length}`;
    const rawData = new Uint8Array(BigInt64Array.from(values, BigInt).buffer);
    this.#initializers.push({ name, dims: [values.length], dataType: 7, rawData });
    return name;
  }

  model(inputs: [string, number[]][], outputs: string[]): onnx.IModelProto {
    const port = (name: string, shape: number[]) => {
      const dim = shape.map((dimValue) => ({ dimValue }));
      return { name, type: { tensorType: { elemType: 1, ...(shape.length > 0 && { shape: { dim } }) } } };
    };
    return {
      irVersion: 7,
      opsetImport: [{ domain: '', version: 11 }],
      graph: {
        name: 'nanodet',
        node: this.#nodes,
        initializer: this.#initializers,
        input: inputs.map(([name, shape]) => port(name, shape)),
        output: outputs.map((name) => port(name, [])),
      },
    };
  }

  #floats(name: string, dims: number[], deviation: number): string {
    const size = dims.reduce((product, extent) => product * extent, 1);
    const values = Float32Array.from({ length: size }, () => deviation * this.#random.normal());
    this.#initializers.push({ name, dims, dataType: 1, rawData: new Uint8Array(values.buffer) });
    return name;
  }
}

function attributeOf(name: string, value: number | string | number[]): onnx.IAttributeProto {
  if (typeof value === 'string') return { name, type: 3, s: new TextEncoder().encode(value) };
  if (Array.isArray(value)) return { name, type: 7, ints: value };
  return Number.isInteger(value) ? { name, type: 2, i: value } : { name, type: 1, f: value };
}
