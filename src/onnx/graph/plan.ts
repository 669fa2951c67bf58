import { InputError } from '../../util/error.js';
import { assertWhole } from '../net.js';
import { describeFault } from './describeFault.js';
import { fold, OF_SHAPES } from './fold.js';
import { fuse } from './fuse.js';
import { type Edge, type HostTensor, sizeOfShape } from './host.js';
import { liveSteps, neededNodes } from './needed.js';
import { type GraphValue, NodeFault, NodeView, type Planned } from './nodeView.js';
import { FLOAT, type GraphNode, isInteger, type ParsedModel, parseModel } from './parse.js';
import { clipBounds } from './rules/elementwise.js';
import { RULES } from './rules/index.js';
import type { Step, Steps } from './step.js';
import { trainableOf, weightsOf } from './trainable.js';

/** How a graph is read. */
export interface GraphOptions {
  /** Tensors wanted, outputs or inside the graph; default: its outputs. Only nodes that they need are read. */
  outputs?: readonly Edge[];
  /** Shapes of inputs, by name; default: those of the file, a batch left open being 1. */
  shapes?: Readonly<Record<Edge, readonly number[]>>;
  /** For sizes that the file leaves open, where `shapes` has none; default: a batch of 1. */
  open?: {
    /** Images at once. */
    batch?: number;
    /** Pixels. */
    width?: number;
    /** Pixels. */
    height?: number;
  };
  /** Of the file, for messages; default `model`. */
  name?: string;
  /** Initializers, or outputs of nodes `Constant`, to train; default: weights and biases of convolutions, matrix products and normalisations. */
  train?: readonly Edge[];
}

/** An input or output of a graph. */
export interface GraphPort {
  /** Of the tensor. */
  name: Edge;
  /** All sizes. */
  shape: readonly number[];
}

/** An output of a graph. */
export interface GraphOutput extends GraphPort {
  /** The tensor that a step makes: another name where nodes pass it on. */
  edge: Edge;
}

/** A parameter of a graph: an initializer, or the constant of a node. */
export interface GraphParameter extends GraphPort {
  /** As in the file. */
  data: Float32Array;
  /** Whether weight decay applies. */
  decay: boolean;
}

/** A node that cannot be read. */
interface GraphFault {
  /** Which. */
  node: GraphNode;
  /** Why, and what to do. */
  message: string;
}

/** A graph that has been read. */
export interface OnnxGraph {
  /** Of the file. */
  name: string;
  /** Version of ONNX's operators. */
  opset: number;
  /** That the wanted outputs need. */
  inputs: readonly GraphPort[];
  /** In the order in which they were asked for. */
  outputs: readonly GraphOutput[];
  /** In an order in which they can run. */
  steps: readonly Step[];
  /** What training changes. */
  parameters: readonly GraphParameter[];
  /** Other constants that the steps take. */
  constants: ReadonlyMap<Edge, HostTensor>;
  /** Nodes of the file that the outputs need, before constants are folded. */
  nodes: readonly GraphNode[];
}

/** What `surveyGraph` found; without faults, `graph` runs. */
export interface GraphSurvey {
  /** As far as it can be read. */
  graph: OnnxGraph;
  /** What is known of the tensors that the outputs need, by name, before anything runs. */
  values: ReadonlyMap<Edge, GraphValue>;
  /** The batch of the file and the one in use; null where they are the same. */
  rebatch: NodeView['rebatch'];
  /** What cannot, in the order of the file. */
  faults: readonly GraphFault[];
}

/**
 * Reads the graph of an ONNX model (opset 9 to 21) as operations that gradients flow through: shapes are inferred, constants
 * computed, batch norms folded into convolutions with their statistics as they are, dropout left out.
 * @param bytes of the file, with its weights inside (`readModel`)
 * @throws InputError when the bytes are no model, a tensor or a size is missing, or a node cannot be read: it names the node,
 *   its operator, where it is in the graph, and whether other outputs would do without it
 */
export async function readGraph(bytes: Uint8Array, options: GraphOptions = {}): Promise<OnnxGraph> {
  const { graph, faults } = await surveyGraph(bytes, options);
  if (faults.length > 0) throw new InputError(faults[0].message);
  return graph;
}

/** The same, but nodes that cannot be read are listed, for `edgewise inspect`. @throws InputError as `readGraph`, but for these */
export async function surveyGraph(bytes: Uint8Array, options: GraphOptions = {}): Promise<GraphSurvey> {
  const name = options.name ?? 'model';
  return planGraph(await parseGraph(bytes, name), { ...options, name });
}

/** A model whose graph can be planned. @throws InputError when the bytes are no model, weights are in other files, or for its opset */
export async function parseGraph(bytes: Uint8Array, name: string): Promise<ParsedModel> {
  assertWhole(bytes, name);
  const model = await parseModel(bytes, name);
  if (model.opset < 9 || model.opset > 21) {
    throw new InputError(`${name} has opset ${model.opset}; 9 to 21 are read. Export it with opset_version=17.`);
  }
  return model;
}

/** `surveyGraph` of a model that has been parsed. @throws InputError when a tensor or a size is missing */
export function planGraph(model: ParsedModel, options: GraphOptions): GraphSurvey {
  const outputs = options.outputs ?? model.outputs.map((output) => output.name);
  return new Reading(model, options.name ?? 'model', outputs, options).survey();
}

/** One graph being read. */
class Reading {
  readonly #model: ParsedModel;
  readonly #name: string;
  readonly #outputs: readonly Edge[];
  readonly #nodes: readonly GraphNode[];
  /** Initializers, and constants of nodes. */
  readonly #weights: ParsedModel['initializers'];
  readonly #trained: ReadonlyMap<Edge, boolean>;
  readonly #values = new Map<Edge, GraphValue>();
  readonly #constants = new Map<Edge, HostTensor>();
  readonly #faults: { node: GraphNode; reason: string }[] = [];
  readonly #rebatch: { from: number; to: number } | null = null;
  readonly #inputs: GraphPort[] = [];

  constructor(
    model: ParsedModel,
    name: string,
    outputs: readonly Edge[],
    { shapes = {}, open = {}, train }: GraphOptions,
  ) {
    this.#model = model;
    this.#name = name;
    this.#outputs = outputs;
    this.#nodes = neededNodes(model, outputs, name);
    this.#weights = weightsOf(this.#nodes, model.initializers);
    const found = trainableOf(this.#nodes, this.#weights);
    this.#trained = train ? new Map(train.map((one) => [one, found.get(one) ?? false])) : found;
    const taken = new Set([...this.#nodes.flatMap((node) => node.inputs), ...outputs]);
    for (const port of model.inputs) {
      if (!taken.has(port.name)) continue;
      const shape = this.#shapeOf(port, shapes[port.name], open);
      const from = port.shape?.[0] ?? null;
      if (from !== null && from !== shape[0]) this.#rebatch = { from, to: shape[0] };
      this.#inputs.push({ name: port.name, shape });
      this.#values.set(port.name, { edge: port.name, shape, constant: null });
    }
    const unknown = Object.keys(shapes).filter((one) => !model.inputs.some((port) => port.name === one));
    if (unknown.length > 0) {
      throw new InputError(
        `${name} has no input ${unknown[0]}; it has ${model.inputs.map((port) => port.name).join(', ')}.`,
      );
    }
    for (const [edge, tensor] of model.initializers) {
      const constant = this.#trained.has(edge) ? null : tensor;
      this.#values.set(edge, { edge, shape: tensor.shape, constant });
      if (constant) this.#constants.set(edge, tensor);
    }
    for (const edge of this.#trained.keys()) {
      const { shape } = this.#weights.get(edge) ?? {};
      if (shape) this.#values.set(edge, { edge, shape, constant: null });
    }
  }

  survey(): GraphSurvey {
    const planned = this.#plan();
    const outputs = this.#outputs.flatMap((name) => {
      const value = this.#values.get(name);
      return value ? [{ name, shape: value.shape, edge: value.edge }] : [];
    });
    const ends = outputs.map(({ edge }) => edge);
    const missing = this.#outputs.filter((name) => !this.#values.has(name));
    if (missing.length > 0 && this.#faults.length === 0) {
      throw new InputError(`${this.#name}: no node that is read makes ${missing.join(', ')}; ask for other outputs.`);
    }
    const needed = liveSteps(planned, ends);
    const steps = liveSteps(fuse(needed, this.#stepsOf(needed, ends)), ends);

    const taken = new Set([...steps.flatMap(({ inputs }) => inputs), ...ends]);
    const parameters = [...this.#trained].flatMap(([name, decay]) => {
      const tensor = this.#weights.get(name);
      if (!tensor || !(tensor.data instanceof Float32Array) || (!taken.has(name) && this.#faults.length === 0))
        return [];
      return [{ name, shape: tensor.shape, data: tensor.data, decay }];
    });
    const graph = {
      name: this.#name,
      opset: this.#model.opset,
      inputs: this.#inputs,
      outputs,
      steps,
      parameters,
      constants: new Map([...this.#constants].filter(([edge]) => taken.has(edge))),
      nodes: this.#nodes,
    };
    const about = {
      ...{ name: this.#name, count: this.#model.nodes.length, nodes: this.#nodes, outputs: this.#outputs },
      isTrained: (edge: Edge) => this.#trained.has(edge),
      isConstant: (edge: Edge) => !!this.#values.get(edge)?.constant,
    };
    const faults = this.#faults.map(({ node, reason }) => ({ node, message: describeFault(node, reason, about) }));
    return { graph, values: this.#values, rebatch: this.#rebatch, faults };
  }

  #shapeOf(
    port: ParsedModel['inputs'][number],
    given: readonly number[] | undefined,
    open: NonNullable<GraphOptions['open']>,
  ): readonly number[] {
    const { name, shape: declared, elementType } = port;
    if (elementType !== FLOAT) {
      const type = isInteger(elementType) ? 'whole numbers' : `type ${elementType} of ONNX`;
      throw new InputError(`${this.#name}: its input ${name} is of ${type}; only float32 is read. Export it so.`);
    }
    // Only the batch has a default: other sizes decide what the model is.
    const { batch = 1, height = null, width = null } = open;
    const shape = given ??
      declared?.map((extent, axis) => extent ?? [batch, null, height, width][axis] ?? null) ?? [null];
    const isWhole = shape.every((extent): extent is number => Number.isSafeInteger(extent) && Number(extent) > 0);
    const text = `[${(declared ?? []).map((extent) => extent ?? 'open').join(', ')}]`;
    if (!isWhole) throw new InputError(`${this.#name}: its input ${name} is ${text}; give its width and height.`);
    const fits =
      !declared ||
      (declared.length === shape.length &&
        declared.every((extent, axis) => axis === 0 || extent === null || extent === shape[axis]));
    if (!fits) throw new InputError(`${this.#name}: its input ${name} is ${text}, not [${shape.join(', ')}].`);
    return shape;
  }

  #plan(): Step[] {
    const steps: Step[] = [];
    for (const node of this.#nodes) {
      // A constant that is trained.
      if (node.operator === 'Constant' && this.#trained.has(node.outputs[0])) continue;
      const inputs = node.inputs.filter((input) => input !== '');
      // Behind a node that cannot be read nothing is known.
      if (!inputs.every((input) => this.#values.has(input))) continue;
      try {
        const step = this.#step(node);
        if (step) steps.push(step);
      } catch (error) {
        if (!(error instanceof NodeFault)) throw error;
        this.#faults.push({ node, reason: error.message });
      }
    }
    return steps;
  }

  /** Null where the node is a constant or passes its input on. */
  #step(node: GraphNode): Step | null {
    const view = new NodeView(node, this.#values, { opset: this.#model.opset, rebatch: this.#rebatch });
    const inputs = node.inputs.filter((input) => input !== '');
    const isConstant = inputs.every((input) => this.#values.get(input)?.constant);
    const folded = isConstant || OF_SHAPES.includes(node.operator) ? fold(view) : null;
    if (folded) {
      const [edge] = node.outputs;
      this.#constants.set(edge, folded);
      this.#values.set(edge, { edge, shape: folded.shape, constant: folded });
      return null;
    }
    const rule = RULES.get(node.operator);
    if (!rule) throw new NodeFault('this operator is not known');
    const planned = rule(view);
    view.assertAllRead();
    if (planned === 'pass') {
      this.#values.set(node.outputs[0], view.value(0));
      return null;
    }
    return this.#stepOf(view, planned);
  }

  #stepOf(view: NodeView, { shapes, operands, run, flops = 0, traits = {} }: Planned): Step {
    const { node } = view;
    const inputs = operands.map((operand, i) => {
      if (typeof operand === 'number') return view.value(operand).edge;
      const edge = `${node.outputs[0]} operand ${i}`;
      this.#constants.set(edge, operand);
      return edge;
    });
    const outputs = node.outputs.slice(0, shapes.length);
    for (const [i, edge] of outputs.entries()) this.#values.set(edge, { edge, shape: shapes[i], constant: null });
    const { operator } = node;
    return {
      operator,
      node,
      inputs,
      outputs,
      shapes,
      run,
      flops,
      traits,
      bounds: operator === 'Clip' ? clipBounds(view) : undefined,
      slope: operator === 'HardSigmoid' ? [view.number('alpha', 0.2), view.number('beta', 0.5)] : undefined,
    };
  }

  /** The steps beside each other, for `fuse`. */
  #stepsOf(steps: readonly Step[], ends: readonly Edge[]): Steps {
    const makers = new Map(steps.flatMap((step) => step.outputs.map((output) => [output, step] as const)));
    const uses = new Map<Edge, number>();
    for (const edge of [...steps.flatMap(({ inputs }) => inputs), ...ends]) uses.set(edge, (uses.get(edge) ?? 0) + 1);
    return {
      maker: (edge) => makers.get(edge),
      uses: (edge) => uses.get(edge) ?? 0,
      shape: (edge) => this.#values.get(edge)?.shape ?? [],
      constant: (edge) => this.#constants.get(edge),
      scalar: (edge) => {
        const constant = this.#constants.get(edge);
        return constant && sizeOfShape(constant.shape) === 1 ? constant.data[0] : null;
      },
    };
  }
}
