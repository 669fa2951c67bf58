import type { Tensor } from '../tensor/tensor.js';
import { listOf, syncWork } from '../util/argument.js';
import { assertVariable } from './argument.js';
import { copyOf } from './sum.js';
import { gradientsOf, leavesOf, Variable } from './variable.js';

const INPUTS = listOf((name, value) => assertVariable(name, value), 'variables');

/**
 * What `of` makes of the inputs, of which nothing else is kept: the backward pass computes it a second time (activation checkpointing;
 * Chen et al., Training Deep Nets with Sublinear Memory Cost, 2016). Kernels are deterministic, so the gradients are those of the first time.
 * @param inputs what `of` uses and an operation made; leaves, such as parameters, need not be among them
 * @param of synchronous; it is called again in the backward pass, with other variables of the same values, and has to do the same
 * @throws InputError without inputs, or where they, or what `of` gives, are no variables
 */
export function recomputed<const Inputs extends readonly Variable[], T extends Tensor>(
  inputs: Inputs,
  of: (inputs: Inputs) => Variable<T>,
): Variable<T> {
  INPUTS('inputs', inputs);
  syncWork('of', of);
  const { device } = inputs[0].value;
  const run = () => {
    // A graph of its own, which ends at these.
    const leaves = inputs.map(({ value, requiresGradient }) => new Variable(value, requiresGradient));
    // Of the inputs' values, and so of their types.
    const result = of(leaves as unknown as Inputs);
    assertVariable('of, its result', result, device);
    return { result, leaves };
  };

  /** What gradients flow to, with the position of an input; others are parameters. */
  let sources: { parent: Variable; input: number }[] = [];
  const value = device.tidy(() => {
    const { result, leaves } = run();
    sources = leavesOf(result).map((leaf) => {
      const input = leaves.indexOf(leaf);
      return { parent: inputs[input] ?? leaf, input };
    });
    const isOthers = !result.value.pooled || inputs.some((input) => input.value === result.value);
    return isOthers ? copyOf(result.value) : result.value;
  });
  if (sources.length === 0) return new Variable(value);
  const reached = sources.map(({ parent }) => parent);
  // An input that no gradient reaches has to live until then, too.
  const parents = [...reached, ...inputs.filter((input) => input.requiresGradient && !reached.includes(input))];
  return Variable.from(value, parents, (incoming, sinkOf) =>
    device.tidy(() => {
      const { result, leaves } = run();
      const gradients = gradientsOf(result, incoming, (leaf) => {
        const index = leaves.includes(leaf) ? -1 : reached.indexOf(leaf);
        return index < 0 ? null : sinkOf(index);
      });
      return sources.map(({ parent, input }) => gradients.get(leaves[input] ?? parent) ?? null);
    }),
  );
}
