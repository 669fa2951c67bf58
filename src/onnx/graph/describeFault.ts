import type { Edge } from './host.js';
import type { GraphNode } from './parse.js';

/** A graph in which a node cannot be read. */
interface FaultyGraph {
  /** Of the file. */
  name: string;
  /** Nodes of the file, those that no output needs included. */
  count: number;
  /** Those that the outputs need, in order. */
  nodes: readonly GraphNode[];
  /** Wanted. */
  outputs: readonly Edge[];
  /** Whether it is a weight. */
  isTrained: (edge: Edge) => boolean;
  /** Whether it does not depend on the images. */
  isConstant: (edge: Edge) => boolean;
}

/** What is said of a node that cannot be read: where it is, and whether one could do without it. @param reason why it is not read */
export function describeFault(node: GraphNode, reason: string, graph: FaultyGraph): string {
  const { name, count, nodes, outputs, isTrained, isConstant } = graph;
  const behind = new Set(node.outputs);
  let weighted = 0;
  for (const other of nodes) {
    if (other === node || !other.inputs.some((input) => behind.has(input))) continue;
    for (const output of other.outputs) behind.add(output);
    if (other.inputs.some(isTrained)) weighted++;
  }
  const makers = new Map(nodes.flatMap((one) => one.outputs.map((output) => [output, one] as const)));
  const before = node.inputs.filter((input) => makers.has(input) && !isConstant(input));
  const needing = outputs.filter((output) => behind.has(output));
  const others = outputs.filter((output) => !behind.has(output));
  const where = before.map((input) => `${input} of ${makers.get(input)?.name}`).join(' and ') || 'the input';
  const cut =
    weighted > 0
      ? `${weighted} layer${weighted === 1 ? '' : 's'} with weights behind it need${weighted === 1 ? 's' : ''} it, so it cannot be cut off`
      : `no layer with weights comes behind it, so it can be cut off: give outputs before it (${[...others, ...before].join(', ') || 'none'})`;
  return `${name}: node ${node.name}, operator ${node.operator}, cannot be read: ${reason}. It is node ${node.index + 1} of ${count}, takes ${where}, and ${needing.join(', ')} need${needing.length === 1 ? 's' : ''} it; ${cut}.`;
}
