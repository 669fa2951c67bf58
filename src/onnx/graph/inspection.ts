import { FOLDED } from './fold.js';
import { type GraphOptions, type GraphPort, surveyGraph } from './plan.js';
import { RULES } from './rules/index.js';

/** An operator of a graph. */
export interface OperatorCount {
  /** Such as `Conv`. */
  operator: string;
  /** Nodes of the file. */
  count: number;
  /** Whether it is known at all; single nodes may still be refused. */
  known: boolean;
}

/** Tensors, and the numbers in them. */
export interface TensorCount {
  /** How many tensors. */
  tensors: number;
  /** Of all together. */
  elements: number;
}

/** The parameters. */
export interface Trainable extends TensorCount {
  /** Of the initializers. */
  names: string[];
}

/** Floating-point operations. */
export interface GraphFlops {
  /** Of convolutions. */
  convolutions: number;
  /** Of matrix products. */
  products: number;
}

/** What a model is made of, as far as its graph can be read. */
export interface Inspection {
  /** Of the file. */
  model: string;
  /** Version of ONNX's operators. */
  opset: number;
  /** That the outputs need. */
  inputs: GraphPort[];
  /** Asked for, or of the file. */
  outputs: GraphPort[];
  /** The most frequent first. */
  operators: OperatorCount[];
  /** What it runs as: nodes that are no constants, and operations that took the place of several nodes. */
  operations: number;
  /** What training changes. */
  trainable: Trainable;
  /** Other constants that the operations take. */
  constants: TensorCount;
  /** For the given shapes, two for a multiplication and an addition. */
  flops: GraphFlops;
  /** What stands in the way, each with its remedy; empty: it can be trained. */
  faults: string[];
}

/**
 * Looks at a model without running it; needs no adapter.
 * @param bytes of the file, with its weights inside
 * @throws InputError when the bytes are no model, or a tensor or a size is missing
 */
export async function inspectModel(bytes: Uint8Array, options: GraphOptions = {}): Promise<Inspection> {
  const { graph, faults } = await surveyGraph(bytes, options);
  const counts = new Map<string, number>();
  for (const { operator } of graph.nodes) counts.set(operator, (counts.get(operator) ?? 0) + 1);
  const elements = (tensors: readonly { data: ArrayLike<number> }[]) =>
    tensors.reduce((sum, { data }) => sum + data.length, 0);
  const flopsOf = (isWanted: (operator: string) => boolean) =>
    graph.steps.reduce((sum, { operator, flops }) => sum + (isWanted(operator) ? flops : 0), 0);
  const isConvolution = (operator: string) => operator.startsWith('Conv');
  const port = ({ name, shape }: GraphPort) => ({ name, shape });
  return {
    model: graph.name,
    opset: graph.opset,
    inputs: graph.inputs.map(port),
    outputs: graph.outputs.map(port),
    operators: [...counts]
      .map(([operator, count]) => ({ operator, count, known: RULES.has(operator) || FOLDED.has(operator) }))
      .sort((a, b) => b.count - a.count || (a.operator < b.operator ? -1 : 1)),
    operations: graph.steps.length,
    trainable: {
      tensors: graph.parameters.length,
      elements: elements(graph.parameters),
      names: graph.parameters.map(({ name }) => name),
    },
    constants: { tensors: graph.constants.size, elements: elements([...graph.constants.values()]) },
    flops: { convolutions: flopsOf(isConvolution), products: flopsOf((operator) => !isConvolution(operator)) },
    faults: faults.map(({ message }) => message),
  };
}
