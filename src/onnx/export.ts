import { version } from '../../package.json';
import { IMAGE_DEVIATION, IMAGE_MEAN } from '../data/augment.js';
import type { Category } from '../data/groundTruth.js';
import { architectureOf, type DetectorConfig } from '../detector/config.js';
import { convolutionsOf } from '../detector/detector.js';
import { GROUP } from '../detector/layers.js';
import type { Recipe } from '../losses/recipe.js';
import { GROUP_NORM_EPSILON } from '../ops/groupNorm.js';
import { type Grid, makeGrid } from '../regions/grid.js';
import type { Weights } from '../train/weights.js';
import { InputError } from '../util/error.js';
import { type Edge, Graph } from './graph.js';

/** What a detector is made of, on the host. */
export interface ExportedDetector {
  /** Its sizes. */
  detector: DetectorConfig;
  /** What its bins mean. */
  recipe: Recipe;
  /** In the order of the class logits. */
  classes: readonly Category[];
  /** Every parameter by its name: `weightsOf(checkpoint)`. */
  weights: Weights;
}

/**
 * A detector as an ONNX model (opset 17) with the batch left open. Its input `images` is [batch, 3, height, width]: red, green,
 * blue in 0 … 255, the image at the top left; normalisation is part of the graph. Its outputs, A locations level by level, rows
 * of a map after each other:
 * - `class_logits_STRIDE` [batch, classes, h, w] and `box_logits_STRIDE` [batch, 4 · bins, h, w], as `Detector.forward`
 * - `boxes` [batch, A, 4] xyxy in pixels of the input, not clamped, as `decodeBoxes`; `scores` [batch, A, classes] in (0, 1)
 *
 * Metadata: `classes`, `bins`, `strides`, `mean`, `deviation`, `recipe`, `detector`, each as JSON.
 * @throws InputError when a weight is missing or has another shape
 */
export async function exportOnnx({ detector, recipe, classes, weights }: ExportedDetector): Promise<Uint8Array> {
  const { width, height, bins, strides } = detector;
  const network = new Network(detector, weights);
  const { graph } = network;
  const features = neck(network, backbone(network, normalised(graph)));
  const levels = features.map((map, level) => head(network, map, level));

  const grid = makeGrid({ imageSize: { width, height }, strides, ...recipe.regions });
  boxesOf(graph, levels, grid, bins, recipe);
  const scores = levels.map(({ classLogits }) => asRows(graph, classLogits, detector.classes));
  graph.node('Sigmoid', [graph.node('Concat', scores, { axis: 1 })], {}, 'scores');

  const maps = grid.levels.flatMap(({ height: h, width: w }, level) => [
    { name: levels[level].classLogits, shape: ['batch', detector.classes, h, w] },
    { name: levels[level].boxLogits, shape: ['batch', 4 * bins, h, w] },
  ]);
  const metadata = {
    classes: classes.map(({ name }) => name),
    bins,
    strides,
    mean: IMAGE_MEAN,
    deviation: IMAGE_DEVIATION,
    recipe,
    detector,
  };
  return graph.encode(
    {
      inputs: [{ name: 'images', shape: ['batch', 3, height, width] }],
      outputs: [
        ...maps,
        { name: 'boxes', shape: ['batch', grid.locations, 4] },
        { name: 'scores', shape: ['batch', grid.locations, detector.classes] },
      ],
    },
    {
      producer: 'edgewise',
      version,
      text: `images: ${width}×${height}, red green blue, 0 … 255; the graph normalises them.`,
      metadata: Object.fromEntries(Object.entries(metadata).map(([key, value]) => [key, JSON.stringify(value)])),
    },
  );
}

/** The layers of src/detector/layers.ts, written into a graph with the weights of their names. */
class Network {
  readonly graph = new Graph();
  readonly config: DetectorConfig;
  readonly #weights: ExportedDetector['weights'];
  readonly #convolutions: ReadonlyMap<string, ReturnType<typeof convolutionsOf>[number]>;

  constructor(config: DetectorConfig, weights: ExportedDetector['weights']) {
    this.config = config;
    this.#weights = weights;
    this.#convolutions = new Map(convolutionsOf(config).map((convolution) => [convolution.name, convolution]));
  }

  has(name: string): boolean {
    return this.#convolutions.has(name);
  }

  /** Values of a parameter. @throws InputError when it is missing or has another shape */
  values(name: string, shape: readonly number[]): Float32Array {
    const weight = this.#weights.get(name);
    if (weight?.shape.join() === shape.join()) return weight.data;
    const found = weight ? `shape [${weight.shape}]` : 'nothing';
    throw new InputError(`weights: ${name} is ${found}; the detector has [${shape}].`);
  }

  convolution(name: string, input: Edge, output?: Edge): Edge {
    const convolution = this.#convolutions.get(name);
    if (!convolution) throw new InputError(`convolution ${name}: the detector has none of this name.`);
    const { inputs, outputs, kernel, stride = 1, bias } = convolution;
    const shape = [outputs, inputs, kernel, kernel];
    const operands = [input, this.graph.floats(`${name}.weight`, shape, this.values(`${name}.weight`, shape))];
    if (bias !== undefined) {
      operands.push(this.graph.floats(`${name}.bias`, [outputs], this.values(`${name}.bias`, [outputs])));
    }
    const padding = (kernel - 1) / 2;
    const attributes = {
      kernel_shape: [kernel, kernel],
      strides: [stride, stride],
      pads: [padding, padding, padding, padding],
    };
    return this.graph.node('Conv', operands, attributes, output);
  }

  /**
   * Group norm as instance norm of [batch, groups, all of a group]: GroupNormalization came with opset 18 and few runtimes have
   * it. The name is that of the convolution before, without its `.conv`.
   */
  norm(name: string, input: Edge, at: number): Edge {
    const { graph } = this;
    const { outputs } = this.#convolutions.get(`${name}.conv`) ?? { outputs: 0 };
    const groups = outputs / GROUP;
    const size = [this.config.height / at, this.config.width / at];
    const grouped = graph.node('Reshape', [input, graph.integers(`groups.${groups}`, [0, groups, -1])]);
    const ones = graph.floats(`ones.${groups}`, [groups], new Float32Array(groups).fill(1));
    const zeros = graph.floats(`zeros.${groups}`, [groups], new Float32Array(groups));
    const normal = graph.node('InstanceNormalization', [grouped, ones, zeros], { 'float:epsilon': GROUP_NORM_EPSILON });
    const whole = graph.node('Reshape', [normal, graph.integers(`map.${outputs}.${at}`, [0, outputs, ...size])]);
    const affine = (part: 'scale' | 'shift') => {
      const values = this.values(`${name}.norm.${part}`, [outputs]);
      return graph.floats(`${name}.norm.${part}`, [outputs, 1, 1], values);
    };
    return graph.node('Add', [graph.node('Mul', [whole, affine('scale')]), affine('shift')]);
  }

  /** Convolution, group norm, ReLU. @param at pixels a cell of what it writes */
  block(name: string, input: Edge, at: number): Edge {
    return this.graph.node('Relu', [this.norm(name, this.convolution(`${name}.conv`, input), at)]);
  }
}

/** The images as the detector takes them. */
function normalised(graph: Graph): Edge {
  const centred = graph.node('Sub', ['images', graph.floats('mean', [3, 1, 1], IMAGE_MEAN)]);
  return graph.node('Div', [centred, graph.floats('deviation', [3, 1, 1], IMAGE_DEVIATION)]);
}

/** src/detector/backbone.ts: one map for each stride of the head that is at most 32. */
function backbone(network: Network, images: Edge): Edge[] {
  const { graph, config } = network;
  let map = network.block('backbone.stem2', network.block('backbone.stem1', images, 2), 4);
  const maps = config.strides.includes(4) ? [map] : [];
  for (let stage = 1; network.has(`backbone.stage${stage}.1.conv`); stage++) {
    const name = `backbone.stage${stage}`;
    const stride = 4 * 2 ** stage;
    const second = network.convolution(`${name}.2.conv`, network.block(`${name}.1`, map, stride));
    const long = network.norm(`${name}.2`, second, stride);
    const short = network.norm(`${name}.shortcut`, network.convolution(`${name}.shortcut.conv`, map), stride);
    map = graph.node('Relu', [graph.node('Add', [long, short])]);
    if (config.strides.includes(stride)) maps.push(map);
  }
  return maps;
}

/** src/detector/neck.ts: features of all levels. */
function neck(network: Network, maps: readonly Edge[]): Edge[] {
  const { graph, config } = network;
  const merged = maps.map((map, level) => network.convolution(`neck.lateral${level + 1}`, map));
  const twice = graph.floats('twice', [4], [1, 1, 2, 2]);
  for (let level = merged.length - 2; level >= 0; level--) {
    const attributes = { mode: 'nearest', coordinate_transformation_mode: 'asymmetric', nearest_mode: 'floor' };
    const above = graph.node('Resize', [merged[level + 1], '', twice], attributes);
    merged[level] = graph.node('Add', [merged[level], above]);
  }
  const outputs: Edge[] = [];
  for (const level of config.strides.keys()) {
    outputs.push(network.convolution(`neck.output${level + 1}`, merged[level] ?? outputs[level - 1]));
  }
  return outputs;
}

/** Logits of a level. */
interface LevelLogits {
  classLogits: Edge;
  boxLogits: Edge;
}

/** src/detector/head.ts on one level. */
function head(network: Network, features: Edge, level: number): LevelLogits {
  const { graph, config } = network;
  const { strides } = config;
  const { tower } = architectureOf(config);
  const through = (name: string) => {
    let map = features;
    for (let index = 1; index <= tower; index++) map = network.block(`head.${name}${index}`, map, strides[level]);
    return map;
  };
  const classLogits = network.convolution('head.classLogits', through('class'), `class_logits_${strides[level]}`);
  const scale = network.values('head.levelScales', [strides.length])[level];
  const factor = graph.floats(`head.levelScales.${level}`, [], [scale]);
  const unscaled = network.convolution('head.boxLogits', through('box'));
  return { classLogits, boxLogits: graph.node('Mul', [unscaled, factor], {}, `box_logits_${strides[level]}`) };
}

/** [batch, channels, h, w] to [batch, h · w, channels] */
function asRows(graph: Graph, map: Edge, channels: number): Edge {
  const flat = graph.node('Reshape', [map, graph.integers(`rows.${channels}`, [0, channels, -1])]);
  return graph.node('Transpose', [flat], { perm: [0, 2, 1] });
}

/** The output `boxes`: softmax over bins, expectation, and the box that it means; shaders/lib/box_parameters.wgsl. */
function boxesOf(graph: Graph, levels: readonly LevelLogits[], grid: Grid, bins: number, { box }: Recipe): Edge {
  const rows = levels.map(({ boxLogits }) => asRows(graph, boxLogits, 4 * bins));
  const all = graph.node('Concat', rows, { axis: 1 });
  const edges = graph.node('Reshape', [all, graph.integers('edges', [0, -1, 4, bins])]);
  const distributions = graph.node('Softmax', [edges], { axis: -1 });
  const numbers = Array.from({ length: bins }, (_, bin) => bin);
  const sum = graph.node('MatMul', [distributions, graph.floats('bins', [bins, 1], numbers)]);
  const expected = graph.node('Reshape', [sum, graph.integers('boxes.shape', [0, -1, 4])]);

  const cells = grid.levels.flatMap(({ height, width }, level) =>
    Array.from({ length: height * width }, (_, cell) => ({
      centre: [(cell % width) + grid.centreOffset, Math.floor(cell / width) + grid.centreOffset],
      stride: grid.strides[level],
    })),
  );
  const centres = cells.flatMap(({ centre }) => centre);
  const centre = graph.floats('centres', [1, grid.locations, 2], centres);
  const strides = cells.map(({ stride }) => stride);
  const stride = graph.floats('strides', [1, grid.locations, 1], strides);

  const corners = box.parameters === 'offset' ? fromOffsets : fromDistances;
  const inStrides = corners(graph, expected, centre, { bins, anchor: grid.octaveScale });
  return graph.node('Mul', [inStrides, stride], {}, 'boxes');
}

/** Distances of the edges from the centre. */
function fromDistances(graph: Graph, expected: Edge, centre: Edge): Edge {
  const [before, after] = graph.nodes('Split', [expected], { axis: -1 }, 2);
  return graph.node('Concat', [graph.node('Sub', [centre, before]), graph.node('Add', [centre, after])], { axis: -1 });
}

/** Shifts and log sizes relative to the anchor, their bins spread over [−2, 2]. */
function fromOffsets(
  graph: Graph,
  expected: Edge,
  centre: Edge,
  { bins, anchor }: { bins: number; anchor: number },
): Edge {
  const scalar = (name: string, value: number) => graph.floats(name, [], [value]);
  const spread = graph.node('Mul', [expected, scalar('offset.step', 4 / (bins - 1))]);
  const deltas = graph.node('Sub', [spread, scalar('offset.least', 2)]);
  const [shift, size] = graph.nodes('Split', [deltas], { axis: -1 }, 2);
  const middle = graph.node('Add', [centre, graph.node('Mul', [shift, scalar('anchor', anchor)])]);
  const half = graph.node('Mul', [graph.node('Exp', [size]), scalar('anchor.half', anchor / 2)]);
  return graph.node('Concat', [graph.node('Sub', [middle, half]), graph.node('Add', [middle, half])], { axis: -1 });
}
