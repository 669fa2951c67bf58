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
/** What a weight may pass through on its way. */
const PASSES = ['Identity', 'Reshape', 'Transpose', 'Squeeze', 'Unsqueeze', 'Flatten'];
const AFFINE = ['Add', 'Sub', 'Mul', 'Div'];

/**
 * The float initializers that training changes: weights and biases of convolutions, matrix products and normalisations, and what
 * exporters write as Mul and Add: a norm's scale and shift a channel, and a bias behind a matrix product.
 * @param nodes in order
 * @returns by name, whether weight decay applies
 */
export function trainableOf(
  nodes: readonly GraphNode[],
  initializers: ParsedModel['initializers'],
): Map<Edge, boolean> {
  const found = new Map<Edge, boolean>();
  const makers = new Map<Edge, GraphNode>();
  for (const node of nodes) for (const output of node.outputs) makers.set(output, node);
  const ofWeights = new Set<Edge>();
  for (const node of nodes) {
    const { inputs, decayed } = WEIGHTS[node.operator] ?? { inputs: [], decayed: 0 };
    for (const [place, input] of inputs.entries()) {
      const name = origin(node.inputs[input] ?? '', makers);
      if (initializers.get(name)?.type === 'float') found.set(name, found.get(name) || place < decayed);
    }
    if (AFFINE.includes(node.operator)) {
      for (const [input, other] of [
        [0, 1],
        [1, 0],
      ]) {
        const name = origin(node.inputs[input], makers);
        const tensor = initializers.get(name);
        const source = makers.get(node.inputs[other]);
        if (!tensor || !ofWeights.has(node.inputs[other])) continue;
        const isBias = source?.operator === 'MatMul' && node.operator === 'Add' && tensor.shape.length === 1;
        if (tensor.type === 'float' && (isBias || isOfChannels(tensor))) found.set(name, found.get(name) ?? false);
      }
    }
    const depends = node.inputs.some((input) => ofWeights.has(input) || found.has(origin(input, makers)));
    if (depends) for (const output of node.outputs) ofWeights.add(output);
  }
  return found;
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
