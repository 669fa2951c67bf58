/**
 * TensorFlow.js: the head loss as an operation of its WebGPU backend, on the same GPUDevice.
 * @module edgewise/tfjs
 */
export { type HeadLossOpInput, headLossOp, type TfjsOutputs } from './headLossOp.js';
export { adoptTfjs, startTfjs } from './start.js';
