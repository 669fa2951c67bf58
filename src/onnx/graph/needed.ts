import { InputError } from '../../util/error.js';
import type { Edge } from './host.js';
import type { GraphNode, ParsedModel } from './parse.js';
import type { Step } from './step.js';

/** Tensors that an error names. */
const MAX_NAMED = 12;

/**
 * Nodes that tensors depend on, in the file's order.
 * @param name of the file, for messages
 * @throws InputError when nothing in the file makes a tensor
 */
export function neededNodes(
  { nodes, inputs, outputs, initializers }: ParsedModel,
  wanted: readonly Edge[],
  name: string,
): GraphNode[] {
  const edges = new Set(wanted);
  const kept: GraphNode[] = [];
  for (const node of [...nodes].reverse()) {
    if (!node.outputs.some((output) => output !== '' && edges.has(output))) continue;
    kept.unshift(node);
    for (const input of node.inputs) edges.add(input);
  }
  const made = new Set([
    ...nodes.flatMap((node) => node.outputs),
    ...inputs.map((port) => port.name),
    ...initializers.keys(),
  ]);
  const missing = [...edges].filter((edge) => edge !== '' && !made.has(edge));
  if (missing.length > 0) {
    const last = nodes.flatMap((node) => node.outputs).slice(-MAX_NAMED);
    throw new InputError(
      `${name} has no tensor ${missing.join(', ')}; its outputs are ${outputs.map((port) => port.name).join(', ')}, and its last nodes make ${last.join(', ')}.`,
    );
  }
  return kept;
}

/** Steps that the ends depend on. */
export function liveSteps(steps: readonly Step[], ends: readonly Edge[]): Step[] {
  const wanted = new Set(ends);
  const kept: Step[] = [];
  for (const step of [...steps].reverse()) {
    if (!step.outputs.some((output) => wanted.has(output))) continue;
    kept.unshift(step);
    for (const input of step.inputs) wanted.add(input);
  }
  return kept;
}
