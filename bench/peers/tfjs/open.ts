import * as tf from '@tensorflow/tfjs';

/**
 * Starts the WebGPU backend on `navigator.gpu`.
 * @throws Error when it does not start
 */
export async function openTfjs(): Promise<void> {
  // It looks for navigator.gpu when it is imported.
  await import('@tensorflow/tfjs-backend-webgpu');
  if (!(await tf.setBackend('webgpu'))) throw new Error('the WebGPU backend of TensorFlow.js did not start');
  await tf.ready();
}

/** Resolves when `last` and everything recorded before it has run; disposes `last`. */
export async function settled(last: tf.Tensor): Promise<void> {
  // Reading an element submits what was recorded, and the queue is in order.
  const element = tf.tidy(() => tf.slice(tf.reshape(last, [-1]), [0], [1]));
  last.dispose();
  await element.data();
  element.dispose();
}
