import type { Variable } from '../../autograd/variable.js';
import type { Activation } from '../../ops/activated.js';
import { brief } from '../../util/brief.js';
import type { Edge, HostTensor } from './host.js';
import type { GraphNode } from './parse.js';

/** What is known of a tensor before anything runs. */
export interface GraphValue {
  /** The tensor that holds it: another's name where a node passes its input on. */
  readonly edge: Edge;
  /** All sizes. */
  readonly shape: readonly number[];
  /** Its values, where they do not depend on the input. */
  readonly constant: HostTensor | null;
}

/** Why a node cannot be read. */
export class NodeFault extends Error {}

/** A node as an operation. */
export interface Planned {
  /** Of its outputs. */
  shapes: readonly (readonly number[])[];
  /** What `run` is given: positions among the node's inputs, or constants. */
  operands: readonly (number | HostTensor)[];
  /** Computes the outputs. */
  run: (inputs: readonly Variable[]) => readonly Variable[];
  /** Floating-point operations of a convolution or a matrix product, two for a multiplication and an addition. */
  flops?: number;
  /** What `fuse.ts` looks at. */
  traits?: Traits;
}

/** A range of an axis. */
export interface Part {
  /** Counted from the front. */
  axis: number;
  /** The first entry. */
  start: number;
  /** Entries. */
  size: number;
  /** Of the whole axis. */
  extent: number;
}

/** What an operation does, for those who put another in the place of several. */
export interface Traits {
  /** Of Slice, where it cuts one axis alone and leaves nothing out in between. */
  part?: Part | undefined;
  /** Of Transpose. */
  perm?: readonly number[];
  /** Of Concat. */
  axis?: number;
  /** Of activations that a convolution can do. */
  activation?: Activation | undefined;
  /** Whether the gradient reads the result, where those of the operator do not. */
  readsResult?: boolean;
  /** Of Conv: the same with an activation. */
  activated?: (activation: Activation) => (inputs: readonly Variable[]) => readonly Variable[];
  /** Of normalisations: what is added to the variance. */
  epsilon?: number;
}

/** How a node of an operator is read: `pass` where its output is its first input. */
export type Rule = (view: NodeView) => Planned | 'pass';

/** A node with what is known of its inputs; it notes which attributes are read. */
export class NodeView {
  readonly node: GraphNode;
  /** Version of the operators. */
  readonly opset: number;
  /** The batch of the file and the one that is used; null where they are the same. */
  readonly rebatch: { from: number; to: number } | null;
  readonly #values: ReadonlyMap<Edge, GraphValue>;
  readonly #read = new Set<string>();

  constructor(
    node: GraphNode,
    values: ReadonlyMap<Edge, GraphValue>,
    { opset, rebatch }: { opset: number; rebatch: { from: number; to: number } | null },
  ) {
    this.node = node;
    this.#values = values;
    this.opset = opset;
    this.rebatch = rebatch;
  }

  /** Number of inputs. */
  get count(): number {
    return this.node.inputs.length;
  }

  /** Whether an optional input is there. */
  has(input: number): boolean {
    return (this.node.inputs[input] ?? '') !== '';
  }

  /** Of an input. */
  value(input: number): GraphValue {
    const value = this.#values.get(this.node.inputs[input] ?? '');
    if (!value) throw new NodeFault(`input ${input} is missing`);
    return value;
  }

  /** Likewise. */
  shape(input: number): readonly number[] {
    return this.value(input).shape;
  }

  /** An input that must not depend on the images. */
  constant(input: number): HostTensor {
    const { constant, edge } = this.value(input);
    if (!constant) throw new NodeFault(`input ${input} (${edge}) depends on the images; a constant is needed`);
    return constant;
  }

  /** Likewise, as numbers. */
  numbers(input: number): number[] {
    return [...this.constant(input).data];
  }

  /** A map: [batch, channels, height, width]. */
  map(input: number): readonly [number, number, number, number] {
    const shape = this.shape(input);
    if (shape.length !== 4)
      throw new NodeFault(`input ${input} has the shape [${shape}]; only maps of 4 dimensions are read`);
    return shape as unknown as readonly [number, number, number, number];
  }

  /** A number. */
  number(name: string, missing: number): number {
    const value = this.#attribute(name) ?? missing;
    if (typeof value !== 'number') throw this.#wrong(name, 'a number');
    return value;
  }

  /** A text. */
  text(name: string, missing: string): string {
    const value = this.#attribute(name) ?? missing;
    if (typeof value !== 'string') throw this.#wrong(name, 'a text');
    return value;
  }

  /** A list; null where it is left out. */
  list(name: string): number[] | null {
    const value = this.#attribute(name) ?? null;
    if (value !== null && !Array.isArray(value)) throw this.#wrong(name, 'a list');
    return value;
  }

  /** A constant. */
  tensor(name: string): HostTensor | null {
    const value = this.#attribute(name);
    return typeof value === 'object' && !Array.isArray(value) ? value : null;
  }

  /** What used to be an attribute and became an input. */
  listOr(name: string, input: number): number[] | null {
    return this.has(input) ? this.numbers(input) : this.list(name);
  }

  /** An attribute without effect here. */
  ignore(...names: string[]): void {
    for (const name of names) this.#read.add(name);
  }

  /** An attribute that is only read where it has one value. */
  only(name: string, value: number | string, missing: number | string = value): void {
    const found = this.#attribute(name) ?? missing;
    if (found !== value) throw this.#wrong(name, `${value}`);
  }

  /** A position of a dimension, counted from the end where negative. */
  axis(axis: number, rank = this.shape(0).length): number {
    const own = axis < 0 ? axis + rank : axis;
    if (!Number.isInteger(own) || own < 0 || own >= rank) throw new NodeFault(`axis ${axis} of ${rank} dimensions`);
    return own;
  }

  /** @throws NodeFault for an attribute that no one has read */
  assertAllRead(): void {
    for (const name of this.node.attributes.keys()) {
      if (!this.#read.has(name)) throw new NodeFault(`its attribute ${name} is not known`);
    }
  }

  #attribute(name: string) {
    this.#read.add(name);
    return this.node.attributes.get(name);
  }

  #wrong(name: string, expected: string): NodeFault {
    return new NodeFault(`its attribute ${name} is ${brief(this.node.attributes.get(name))}; only ${expected} is read`);
  }
}

/** A node of one output. */
export function single(
  shape: readonly number[],
  operands: readonly (number | HostTensor)[],
  run: (...inputs: Variable[]) => Variable,
): Planned {
  return { shapes: [shape], operands, run: (inputs) => [run(...inputs)] };
}
