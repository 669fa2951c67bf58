/** A convolution's forward pass and its two gradients, each jitted by itself: what is not needed is not computed. */
import { jit, lax, numpy as np, vjp } from '@jax-js/jax';
import type { ConvolutionShape } from '../../convolutions.js';
import { convolutionInputs } from '../shared/workloads.js';

/** The three pieces of work on arrays of the device, maps [B, C, H, W]. */
export function convolutionWork(
  shape: ConvolutionShape,
): Record<'forward' | 'inputGradient' | 'weightGradient', () => np.Array> {
  const { batch, inputs, outputs, stride, height, width } = shape;
  const { input, weight, gradient, to } = convolutionInputs(shape);
  const x = np.array(input).reshape([batch, inputs, height, width]);
  const dy = np.array(gradient).reshape([batch, outputs, to.height, to.width]);
  const w = np.array(weight).reshape([outputs, inputs, 3, 3]);
  const convolve = (input: np.Array, weight: np.Array) =>
    lax.convGeneralDilated(
      input,
      weight,
      [stride, stride],
      [
        [1, 1],
        [1, 1],
      ],
    );
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
