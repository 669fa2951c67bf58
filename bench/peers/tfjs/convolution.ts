/** A convolution's forward pass and its two gradients, each by the one kernel that TensorFlow.js has for it. */
import * as tf from '@tensorflow/tfjs';
import type { ConvolutionShape } from '../../convolutions.js';
import { convolutionInputs } from '../shared/workloads.js';

/** The three pieces of work on tensors of the device, maps [B, H, W, C]. */
export function convolutionWork(shape: ConvolutionShape) {
  const { batch, inputs, outputs, stride, height, width } = shape;
  const { input, weight, gradient, to } = convolutionInputs(shape);
  const map = (values: Float32Array, channels: number, size: { height: number; width: number }) =>
    tf.tidy(() => tf.transpose(tf.tensor4d(values, [batch, channels, size.height, size.width]), [0, 2, 3, 1]));
  const [x, dy] = [map(input, inputs, { height, width }), map(gradient, outputs, to)];
  const w = tf.tidy(() => tf.transpose(tf.tensor4d(weight, [outputs, inputs, 3, 3]), [2, 3, 1, 0]));
  const attributes = { strides: stride, pad: 1, dataFormat: 'NHWC' };
  // The public functions for these gradients compute the forward pass besides.
  const run = (kernel: string, inputs: tf.NamedTensorMap, more: object) =>
    tf.engine().runKernel(kernel, inputs, { ...attributes, ...more }) as tf.Tensor;
  return {
    forward: () => tf.conv2d(x, w, stride, 1) as tf.Tensor,
    inputGradient: () => run('Conv2DBackpropInput', { dy, filter: w }, { inputShape: x.shape }),
    weightGradient: () => run('Conv2DBackpropFilter', { x, dy }, { filterShape: w.shape }),
  };
}
