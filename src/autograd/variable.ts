import type { Tensor } from '../tensor/tensor.js';
import { assertTensor } from '../tensor/tensorArgument.js';
import { flag, kindOf } from '../util/argument.js';
import { InputError } from '../util/error.js';
import { one } from './one.js';
import { accumulate, addTensors } from './sum.js';

/**
 * The gradients of an operation's inputs from that of its output, one for each parent (null: none needed, or added to its sink).
 * It may return the incoming gradient itself, and one tensor several times; it must not write into the incoming one, nor dispose it.
 */
export type Pullback = (gradient: Tensor, sinkOf: SinkOf) => (Tensor | null)[];

/**
 * Where the gradient of an operation's parent ends, by its index: of a leaf that has a gradient already, such as a parameter's, f32. A pullback may
 * add to it what it would return otherwise, which saves a pass. Null for any other parent.
 */
export type SinkOf = (parent: number) => Tensor | null;

/** A value that remembers how it was made, so that gradients can flow back. */
export class Variable<T extends Tensor = Tensor> {
  /** The tensor. `backward` gives that of an intermediate back. */
  readonly value: T;
  /** True where a gradient is wanted here or further back. */
  readonly requiresGradient: boolean;
  /** The accumulated gradient of a leaf after `backward`; null before. */
  gradient: Tensor | null = null;
  /** Set to keep an intermediate's value through `backward`, which otherwise gives it back to the pool. */
  retained = false;
  /** What it was made from; empty for a leaf. */
  readonly parents: readonly Variable[];
  /** How a gradient flows to the parents; null for a leaf and for a constant. */
  readonly pullback: Pullback | null;

  /** A leaf. Operations make the others, with `Variable.from`. @throws InputError when the value is no tensor */
  constructor(value: T, requiresGradient = false, parents: readonly Variable[] = [], pullback: Pullback | null = null) {
    assertTensor('value', value, { type: 'any' });
    flag('requiresGradient', requiresGradient);
    this.value = value;
    this.requiresGradient = requiresGradient;
    this.parents = parents;
    this.pullback = pullback;
  }

  /** The result of an operation; without a pullback where no parent wants a gradient. */
  static from<T extends Tensor>(value: T, parents: readonly Variable[], pullback: Pullback): Variable<T> {
    const requires = parents.some((parent) => parent.requiresGradient);
    return requires ? new Variable(value, true, parents, pullback) : new Variable(value);
  }

  /** Whether no operation made it, or one whose inputs need no gradient. */
  get isLeaf(): boolean {
    return this.pullback === null;
  }
}

/** Where a backward pass starts: a variable and the gradient that comes into it. */
export interface Seed {
  /** Where the gradient comes in; it must depend on a leaf that wants one. */
  variable: Variable;
  /** Of the variable's shape; it stays the caller's. Default: ones for a single element. */
  gradient?: Tensor;
}

/**
 * Lets gradients flow from the seeds to the leaves that want them, where they are added to `gradient`.
 * Intermediate values and gradients go back to the pool as soon as nobody needs them, so a graph serves one backward.
 * @throws InputError when a gradient's size is not its variable's, or none is given for more than one element
 */
export function backward(seeds: Seed | Seed[]): void {
  const leaves = backwardByLeaf(seeds);
  while (!leaves.next().done);
}

/** `backward` that stops at each leaf that has its whole gradient: what is recorded by then computes it. @throws InputError as `backward` */
export function* backwardByLeaf(seeds: Seed | Seed[]): Generator<Variable, void, undefined> {
  const list = Array.isArray(seeds) ? seeds : [seeds];
  if (list.length === 0) throw new InputError('seeds: []; expected at least one { variable, gradient }.');
  const flowing = new Flow();
  for (const [leaf, gradient] of flow(list.map(seedOf), flowing, (leaf) => leaf.gradient)) {
    if (!gradient) {
      yield leaf;
      continue;
    }
    if (!leaf.gradient && flowing.owns(gradient) && gradient.shape.join() === leaf.value.shape.join()) {
      leaf.gradient = gradient.device.keep(gradient);
    } else {
      deposit(leaf, gradient);
      flowing.release(gradient);
    }
    yield leaf;
  }
}

/**
 * The gradients that flow into leaves, which keep none: they are the caller's. One may be `gradient` itself, or that of several leaves.
 * @param gradient of the variable, of any type; it stays the caller's
 * @param sinkOf where the gradient of a leaf may be added to in place; of such leaves none, or a part, is given back
 * @throws InputError when its size is not the variable's
 */
export function gradientsOf(
  variable: Variable,
  gradient: Tensor,
  sinkOf: (leaf: Variable) => Tensor | null,
): Map<Variable, Tensor> {
  const gradients = new Map<Variable, Tensor>();
  for (const [leaf, own] of flow([{ variable, gradient }], new Flow(), sinkOf)) if (own) gradients.set(leaf, own);
  return gradients;
}

/** The leaves that want a gradient and that a variable depends on, in the order in which they are found. */
export function leavesOf(variable: Variable): Variable[] {
  return topologicalOrder([variable]).filter(({ isLeaf, requiresGradient }) => isLeaf && requiresGradient);
}

/**
 * Lets gradients flow, and gives each leaf when all of its gradient is there: with what is not in its sink, which `flowing` holds until it is
 * released.
 */
function* flow(
  seeds: readonly Seed[],
  flowing: Flow,
  sinkOf: (leaf: Variable) => Tensor | null,
): Generator<[Variable, Tensor | null], void, undefined> {
  const lent = new Set<Variable>();
  for (const { variable, gradient } of seeds) {
    if (!variable.requiresGradient) {
      throw new InputError('backward: the variable does not depend on a leaf that requires a gradient.');
    }
    if (gradient) {
      flowing.hold(gradient);
      flowing.add(variable, gradient);
    } else if (variable.value.size === 1) {
      const start = one(variable.value.device);
      flowing.hold(start);
      flowing.add(variable, start);
    } else {
      throw new InputError(
        `backward: give a gradient of shape [${variable.value.shape}]; only a scalar has a default.`,
      );
    }
  }
  for (const variable of topologicalOrder(seeds.map(({ variable }) => variable)).reverse()) {
    const gradient = flowing.take(variable);
    if (!gradient) {
      if (lent.has(variable)) yield [variable, null];
      continue;
    }
    if (variable.pullback) {
      const gradients = variable.pullback(gradient, (index) => {
        const parent = variable.parents[index];
        if (!parent?.isLeaf || !parent.requiresGradient) return null;
        const sink = sinkOf(parent);
        // Another is refused where the gradient is added to it.
        if (sink?.type !== 'f32' || sink.size !== parent.value.size) return null;
        lent.add(parent);
        return sink;
      });
      // One tensor may go to several parents: it is held until all have it.
      for (const own of gradients) if (own) flowing.hold(own);
      variable.parents.forEach((parent, index) => {
        const own = gradients[index];
        if (own && parent.requiresGradient) flowing.add(parent, own);
      });
      for (const own of gradients) if (own) flowing.release(own);
      if (!variable.retained) variable.value.dispose();
      flowing.release(gradient);
    } else {
      yield [variable, gradient];
    }
  }
}

/** @throws InputError when it is none; a variable alone is one with a default gradient */
function seedOf(seed: unknown): Seed {
  if (seed instanceof Variable) {
    throw new InputError('seeds: a variable; give { variable }, or { variable, gradient }.');
  }
  const { variable, gradient } = (seed ?? {}) as Partial<Seed>;
  if (!(variable instanceof Variable)) {
    throw new InputError(`seeds: ${kindOf(seed)}; expected { variable, gradient }, or several of them.`);
  }
  assertTensor('seeds.variable', variable.value, { type: 'any' });
  if (gradient === undefined) return { variable };
  assertTensor('seeds.gradient', gradient, { device: variable.value.device });
  return { variable, gradient };
}

/** Adds to the leaf's gradient. Copies a first one, which others hold too. */
function deposit(leaf: Variable, gradient: Tensor): void {
  if (leaf.gradient) {
    accumulate(leaf.gradient, gradient);
    return;
  }
  const { device } = leaf.value;
  const own = device.keep(device.empty(leaf.value.shape));
  if (own.size > 0) device.copy(gradient.range.buffer, gradient.offset, own.buffer, own.offset, 4 * own.size);
  leaf.gradient = own;
}

/** The gradients not yet used. One tensor may flow into several variables, so holders are counted. */
class Flow {
  readonly #gradients = new Map<Variable, Tensor>();
  readonly #holders = new Map<Tensor, number>();

  hold(gradient: Tensor): void {
    this.#holders.set(gradient, (this.#holders.get(gradient) ?? 0) + 1);
  }

  /** Whether nobody else holds the gradient or its memory, so that it may be given away. */
  owns(gradient: Tensor): boolean {
    return gradient.pooled && this.#holders.get(gradient) === 1;
  }

  release(gradient: Tensor): void {
    const left = (this.#holders.get(gradient) ?? 0) - 1;
    if (left > 0) {
      this.#holders.set(gradient, left);
    } else {
      this.#holders.delete(gradient);
      gradient.dispose();
    }
  }

  add(variable: Variable, gradient: Tensor): void {
    if (gradient.size !== variable.value.size) {
      throw new InputError(
        `backward: a gradient of shape [${gradient.shape}] for a variable of shape [${variable.value.shape}].`,
      );
    }
    const present = this.#gradients.get(variable);
    const total = present ? addTensors(present, gradient) : gradient;
    this.hold(total);
    this.#gradients.set(variable, total);
    if (present) this.release(present);
  }

  take(variable: Variable): Tensor | undefined {
    const gradient = this.#gradients.get(variable);
    this.#gradients.delete(variable);
    return gradient;
  }
}

/** Parents before children; an explicit stack, since a deep network would overflow a recursive one. */
function topologicalOrder(roots: Variable[]): Variable[] {
  const order: Variable[] = [];
  const seen = new Set<Variable>();
  const stack = roots.map((variable) => ({ variable, next: 0 }));
  while (stack.length > 0) {
    const top = stack[stack.length - 1];
    if (top.next === 0 && seen.has(top.variable)) {
      stack.pop();
      continue;
    }
    seen.add(top.variable);
    const parent = top.variable.parents[top.next++];
    if (parent) {
      if (parent.requiresGradient && !seen.has(parent)) stack.push({ variable: parent, next: 0 });
    } else {
      order.push(top.variable);
      stack.pop();
    }
  }
  return order;
}
