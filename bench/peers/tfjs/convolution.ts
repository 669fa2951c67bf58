/** A convolution's forward pass and its two gradients, each by the one kernel that TensorFlow.js has for it. */
import * as tf from '@tensorflow/tfjs';
import { CONVOLUTION, convolutionInputs } from '../shared/workloads.js';

/** The three pieces of work on tensors of the device, maps [B, H, W, C]. */
export function convolutionWork() {
  const { batch, channels, height, width } = CONVOLUTION;
  const { input, weight, gradient } = convolutionInputs();
  const map = (values: Float32Array) =>
    tf.tidy(() => tf.transpose(tf.tensor4d(values, [batch, channels, height, width]), [0, 2, 3, 1]));
  const [x, dy] = [map(input), map(gradient)];
  const w = tf.tidy(() => tf.transpose(tf.tensor4d(weight, [channels, channels, 3, 3]), [2, 3, 1, 0]));
  const attributes = { strides: 1, pad: 1, dataFormat: 'NHWC' };
  // The public functions for these gradients compute the forward pass besides.
  const run = (kernel: string, inputs: tf.NamedTensorMap, more: object) =>
    tf.engine().runKernel(kernel, inputs, { ...attributes, ...more }) as tf.Tensor;
  return {
    forward: () => tf.conv2d(x, w, 1, 1) as tf.Tensor,
    inputGradient: () => run('Conv2DBackpropInput', { dy, filter: w }, { inputShape: x.shape }),
    weightGradient: () => run('Conv2DBackpropFilter', { x, dy }, { filterShape: w.shape }),
  };
}
