import type { ParameterStore } from '../autograd/parameters.js';
import type { Variable } from '../autograd/variable.js';
import { type Parts, summed } from '../tensor/parts.js';
import type { Tensor } from '../tensor/tensor.js';

/** Each piece costs a readback and two messages to every other process. */
const MOST_PIECES = 4;
const LEAST_PIECE_ELEMENTS = 2 ** 15;

/**
 * Sums the gradients of stores over all processes, in a few large pieces, during the backward pass: a piece is sent once its last parameter has
 * its gradient. The heads' come first, so that they travel while the backbone's are computed.
 * @param leaves of a backward pass, as their gradients are done
 */
export function* sumGradients(stores: readonly ParameterStore[], leaves: Iterable<Variable>): Parts<void> {
  const pieceOf = new Map<Variable, Tensor>();
  const open = new Map<Tensor, number>();
  for (const store of stores) {
    const count = Math.min(MOST_PIECES, Math.max(1, Math.floor(store.gradients.size / LEAST_PIECE_ELEMENTS)));
    for (const { variables, gradients } of store.pieces(count)) {
      open.set(gradients, variables.length);
      for (const variable of variables) pieceOf.set(variable, gradients);
    }
  }
  let last: Tensor | null = null;
  for (const leaf of leaves) {
    const piece = pieceOf.get(leaf);
    if (!piece) continue;
    const left = (open.get(piece) ?? 0) - 1;
    open.set(piece, left);
    if (left > 0) continue;
    open.delete(piece);
    if (last) yield { ...summed(last), later: true };
    last = piece;
  }
  // Parameters that the pass did not meet leave their pieces open.
  const rest = [...(last ? [last] : []), ...open.keys()];
  for (const [i, piece] of rest.entries())
    yield i < rest.length - 1 ? { ...summed(piece), later: true } : summed(piece);
}
