/** A convolution's forward pass and its two gradients, each jitted by itself: what is not needed is not computed. */
import { jit, lax, numpy as np, vjp } from '@jax-js/jax';
import { CONVOLUTION, convolutionInputs } from '../shared/workloads.js';

function convolve(input: np.Array, weight: np.Array): np.Array {
  return lax.conv(input, weight, [1, 1], 'SAME');
}

/** The three pieces of work on arrays of the device, maps [B, C, H, W]. */
export function convolutionWork(): Record<'forward' | 'inputGradient' | 'weightGradient', () => np.Array> {
  const { batch, channels, height, width } = CONVOLUTION;
  const { input, weight, gradient } = convolutionInputs();
  const [x, dy] = [input, gradient].map((values) => np.array(values).reshape([batch, channels, height, width]));
  const w = np.array(weight).reshape([channels, channels, 3, 3]);
  const forward = jit(convolve);
  const gradientOf = (argument: 0 | 1) =>
    jit((x: np.Array, w: np.Array, dy: np.Array) => {
      const [output, pullback] = vjp(convolve, [x, w]);
      output.dispose();
      const gradients = pullback(dy);
      gradients[1 - argument].dispose();
      return gradients[argument];
    });
  const [inputGradient, weightGradient] = [gradientOf(0), gradientOf(1)];
  return {
    forward: () => forward(x.ref, w.ref),
    inputGradient: () => inputGradient(x.ref, w.ref, dy.ref),
    weightGradient: () => weightGradient(x.ref, w.ref, dy.ref),
  };
}
