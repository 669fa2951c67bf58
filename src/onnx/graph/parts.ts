import type { Edge } from './host.js';
import { readByGradients } from './kept.js';
import type { OnnxGraph } from './plan.js';
import type { Step } from './step.js';

/** Neighbouring steps of a graph of which only the result is kept where they are computed again for gradients. */
export interface GraphPart {
  /** In the order of the graph. */
  steps: readonly Step[];
  /** Each of several steps as a part. */
  alone: readonly GraphPart[];
  /** What they take of other parts and of the graph's inputs; no parameters, no constants. */
  inputs: readonly Edge[];
  /** What others take of them, and the graph's outputs among their results. */
  outputs: readonly Edge[];
  /** What gradients read of what they take and make: of several steps only what they take, of which they are computed again. */
  read: readonly Edge[];
}

/** The budgets that are tried are the whole graph's memory over these. */
const MAX_DIVISOR = 24;

/** Each step as a part. */
export function stepsAlone(graph: OnnxGraph): GraphPart[] {
  const read = readByGradients(graph.steps);
  const given = givenOf(graph);
  return graph.steps.map((step, i) => ({
    steps: [step],
    inputs: step.inputs.filter((edge) => !given.has(edge)),
    outputs: step.outputs,
    alone: [],
    read: read[i],
  }));
}

/**
 * Cuts a graph where a single tensor of what came before is taken by what follows, so that what is kept between the parts and the largest part
 * are together as small as can be found. Sums of gradients keep their order: a tensor that three or more take is not one of those between which
 * a part ends.
 */
export function partsOf(graph: OnnxGraph): GraphPart[] {
  const alone = stepsAlone(graph);
  const cut = new Cutter(graph, alone);
  let best = { parts: alone, bytes: Number.POSITIVE_INFINITY };
  for (let divisor = 1; divisor <= MAX_DIVISOR; divisor++) {
    const found = cut.within(cut.total / divisor);
    if (found.bytes < best.bytes) best = found;
  }
  return best.parts;
}

class Cutter {
  /** Bytes that the gradients of all steps read. */
  readonly total: number;
  readonly #graph: OnnxGraph;
  readonly #alone: readonly GraphPart[];
  readonly #bytes = new Map<Edge, number>();
  /** Positions of the steps that take a tensor; one beyond the last for each time that it is an output. */
  readonly #takers = new Map<Edge, number[]>();
  readonly #given: ReadonlySet<Edge>;

  constructor(graph: OnnxGraph, alone: readonly GraphPart[]) {
    this.#graph = graph;
    this.#alone = alone;
    this.#given = givenOf(graph);
    const note = (edge: Edge, at: number) => {
      const takers = this.#takers.get(edge);
      if (takers) takers.push(at);
      else this.#takers.set(edge, [at]);
    };
    for (const [i, { inputs, outputs, shapes }] of graph.steps.entries()) {
      for (const edge of inputs) note(edge, i);
      for (const [k, edge] of outputs.entries()) {
        this.#bytes.set(edge, 4 * shapes[k].reduce((product, extent) => product * extent, 1));
      }
    }
    // A program may take an output several times, as maps of logits do that lie in one tensor.
    for (const { edge } of graph.outputs) for (let k = 0; k < 2; k++) note(edge, graph.steps.length);
    this.total = this.#weigh(new Set(alone.flatMap(({ read }) => read)));
  }

  /** Parts that read at most so many bytes each, as long as they can be. */
  within(budget: number): { parts: GraphPart[]; bytes: number } {
    const parts: GraphPart[] = [];
    const kept = new Set<Edge>();
    let largest = 0;
    for (let from = 0; from < this.#alone.length; ) {
      const { to, bytes } = this.#longest(from, budget);
      const part = to - from > 1 ? this.#part(from, to) : this.#alone[from];
      parts.push(part);
      for (const edge of part.read) kept.add(edge);
      if (to - from > 1) largest = Math.max(largest, bytes);
      from = to;
    }
    return { parts, bytes: this.#weigh(kept) + largest };
  }

  /** Where the longest part ends that begins at a step; itself where there is none. */
  #longest(from: number, budget: number): { to: number; bytes: number } {
    let found = { to: from + 1, bytes: 0 };
    const made = new Set<Edge>();
    const read = new Set<Edge>();
    for (let to = from + 1; to <= this.#alone.length; to++) {
      const step = this.#graph.steps[to - 1];
      for (const edge of step.outputs) made.add(edge);
      for (const edge of this.#alone[to - 1].read) read.add(edge);
      const bytes = this.#weigh(new Set([...read].filter((edge) => made.has(edge))));
      if (bytes > budget) break;
      const left = [...made].filter((edge) => this.#takersOf(edge).some((at) => at >= to));
      if (left.length === 1 && this.#inputs(from, to).length > 0 && this.#keepsOrder(from, to)) found = { to, bytes };
    }
    return found;
  }

  /** Whether every sum of three gradients or more lies within the steps or apart from them. */
  #keepsOrder(from: number, to: number): boolean {
    const isIn = (at: number) => at >= from && at < to;
    return this.#graph.steps.slice(from, to).every(({ inputs }) =>
      inputs.every((edge) => {
        const takers = this.#takersOf(edge);
        return takers.length < 3 || takers.every(isIn);
      }),
    );
  }

  #part(from: number, to: number): GraphPart {
    const steps = this.#graph.steps.slice(from, to);
    const inputs = this.#inputs(from, to);
    const outputs = steps.flatMap((step) => step.outputs.filter((edge) => this.#takersOf(edge).some((at) => at >= to)));
    return { steps, alone: this.#alone.slice(from, to), inputs, outputs, read: inputs };
  }

  #inputs(from: number, to: number): Edge[] {
    const steps = this.#graph.steps.slice(from, to);
    const own = new Set(steps.flatMap(({ outputs }) => outputs));
    return [...new Set(steps.flatMap(({ inputs }) => inputs))].filter(
      (edge) => !own.has(edge) && !this.#given.has(edge),
    );
  }

  #takersOf(edge: Edge): readonly number[] {
    return this.#takers.get(edge) ?? [];
  }

  #weigh(edges: ReadonlySet<Edge>): number {
    return [...edges].reduce((sum, edge) => sum + (this.#bytes.get(edge) ?? 0), 0);
  }
}

function givenOf({ parameters, constants }: OnnxGraph): Set<Edge> {
  return new Set([...parameters.map(({ name }) => name), ...constants.keys()]);
}
