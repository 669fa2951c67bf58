import type { Edge, HostTensor } from './host.js';
import type { GraphNode, ParsedModel } from './parse.js';

/** Inputs that hold weights, by operator; the first `decayed` of these get weight decay. */
const WEIGHTS: Record<string, { inputs: number[]; decayed: number }> = {
  Conv: { inputs: [1, 2], decayed: 1 },
  ConvTranspose: { inputs: [1, 2], decayed: 1 },
  Gemm: { inputs: [1, 2], decayed: 1 },
  MatMul: { inputs: [1, 0], decayed: 2 },
  PRelu: { inputs: [1], decayed: 0 },
  BatchNormalization: { inputs: [1, 2], decayed: 0 },
  InstanceNormalization: { inputs: [1, 2], decayed: 0 },
  GroupNormalization: { inputs: [1, 2], decayed: 0 },
  LayerNormalization: { inputs: [1, 2], decayed: 0 },
};
const NONE = { inputs: [], decayed: 0 };
/** What a weight may pass through on its way. */
const PASSES = ['Identity', 'Reshape', 'Transpose', 'Squeeze', 'Unsqueeze', 'Flatten'];
const AFFINE = ['Add', 'Sub', 'Mul', 'Div'];

/**
 * Tensors of the file that may be weights: initializers, and what nodes `Constant` hold, by the names of their outputs.
 * @param nodes in order
 */
export function weightsOf(
  nodes: readonly GraphNode[],
  initializers: ParsedModel['initializers'],
): ParsedModel['initializers'] {
  const weights = new Map(initializers);
  for (const { operator, outputs, attributes } of nodes) {
    const value = operator === 'Constant' ? attributes.get('value') : undefined;
    if (typeof value === 'object' && !Array.isArray(value) && value.type === 'float') weights.set(outputs[0], value);
  }
  return weights;
}

/**
 * The float tensors that training changes: weights and biases of convolutions, matrix products and normalisations, and what
 * exporters write as Mul and Add: a norm's scale and shift a channel, a bias behind a matrix product, and the factor of a
 * convolution's map (GFocal's and FCOS's scale of a level).
 * @param nodes in order
 * @param weights from `weightsOf`
 * @returns by name, whether weight decay applies
 */
export function trainableOf(nodes: readonly GraphNode[], weights: ParsedModel['initializers']): Map<Edge, boolean> {
  const found = new Map<Edge, boolean>();
  const makers = new Map<Edge, GraphNode>();
  const uses = new Map<Edge, number>();
  for (const node of nodes) {
    for (const output of node.outputs) makers.set(output, node);
    for (const input of node.inputs) uses.set(input, (uses.get(input) ?? 0) + 1);
  }
  /** A formula that an exporter wrote out, such as HardSwish, takes the map again, or the number elsewhere. */
  const isScale = (name: Edge, map: Edge) => {
    const maker = makers.get(map);
    const isLearned = maker?.operator === 'Conv' && found.has(origin(maker.inputs[1], makers));
    return isLearned && !makers.has(name) && uses.get(name) === 1 && uses.get(map) === 1;
  };
  const ofWeights = new Set<Edge>();
  for (const node of nodes) {
    const { inputs, decayed } = isPlain(node, weights) ? NONE : (WEIGHTS[node.operator] ?? NONE);
    for (const [place, input] of inputs.entries()) {
      const name = origin(node.inputs[input] ?? '', makers);
      if (weights.get(name)?.type === 'float') found.set(name, found.get(name) || place < decayed);
    }
    if (AFFINE.includes(node.operator)) {
      for (const [input, other] of [
        [0, 1],
        [1, 0],
      ]) {
        const name = origin(node.inputs[input], makers);
        const tensor = weights.get(name);
        const source = makers.get(node.inputs[other]);
        if (!tensor || !ofWeights.has(node.inputs[other])) continue;
        const isBias = source?.operator === 'MatMul' && node.operator === 'Add' && tensor.shape.length === 1;
        const isFactor = node.operator === 'Mul' && tensor.data.length === 1 && isScale(name, node.inputs[other]);
        if (tensor.type === 'float' && (isBias || isFactor || isOfChannels(tensor)))
          found.set(name, found.get(name) ?? false);
      }
    }
    const depends = node.inputs.some((input) => ofWeights.has(input) || found.has(origin(input, makers)));
    if (depends) for (const output of node.outputs) ofWeights.add(output);
  }
  return found;
}

/** A norm of scale 1 and shift 0: exporters write group norm so, with scale and shift of the channels behind it. */
function isPlain({ operator, inputs }: GraphNode, weights: ParsedModel['initializers']): boolean {
  if (operator !== 'InstanceNormalization') return false;
  const [scale, shift] = [weights.get(inputs[1]), weights.get(inputs[2])];
  return !!scale?.data.every((one) => one === 1) && !!shift?.data.every((one) => one === 0);
}

/** [C, 1, 1] or [1, C, 1, 1] with several channels. */
function isOfChannels({ shape }: HostTensor): boolean {
  const [height, width, ...rest] = [...shape].reverse();
  return shape.length >= 3 && shape.length <= 4 && height === 1 && width === 1 && rest[0] > 1 && (rest[1] ?? 1) === 1;
}

function origin(edge: Edge, makers: ReadonlyMap<Edge, GraphNode>): Edge {
  let name = edge;
  for (let maker = makers.get(name); maker && PASSES.includes(maker.operator); maker = makers.get(name)) {
    name = maker.inputs[0];
  }
  return name;
}
