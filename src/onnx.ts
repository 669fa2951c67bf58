/**
 * ONNX: detectors written as models, and models of other packages as teachers. It needs Node.
 * @module edgewise/onnx
 */
export { type ExportedDetector, exportOnnx } from './onnx/export.js';
export { checkMapping, type HeadPart, type MappedTensor, type OnnxMapping, readMapping } from './onnx/mapping.js';
export { OnnxModel } from './onnx/model.js';
export type { OnnxModelOptions } from './onnx/net.js';
export type { ModelOutputs } from './onnx/placement.js';
export { readModel } from './onnx/readModel.js';
export type { OnnxRuntime, OnnxSession, OnnxTensor } from './onnx/runtime.js';
export { OnnxTeacher } from './onnx/teacher.js';
