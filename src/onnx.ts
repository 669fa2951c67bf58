/**
 * ONNX: detectors written as models, and models of other packages as teachers. It needs Node.
 * @module edgewise/onnx
 */
export { type ExportedDetector, exportOnnx } from './onnx/export.js';
export { type ExportedStudent, exportStudent } from './onnx/graph/exportStudent.js';
export { GraphNet } from './onnx/graph/graphNet.js';
export type { Edge, HostTensor } from './onnx/graph/host.js';
export {
  type GraphFlops,
  type Inspection,
  inspectModel,
  type OperatorCount,
  type TensorCount,
  type Trainable,
} from './onnx/graph/inspection.js';
export type { Part, Traits } from './onnx/graph/nodeView.js';
export type { Attribute, GraphNode } from './onnx/graph/parse.js';
export {
  type GraphOptions,
  type GraphOutput,
  type GraphParameter,
  type GraphPort,
  type OnnxGraph,
  readGraph,
} from './onnx/graph/plan.js';
export { type NewClasses, replaceClasses } from './onnx/graph/replaceClasses.js';
export type { Step } from './onnx/graph/step.js';
export { GraphStudent, type GraphStudentOptions } from './onnx/graph/student.js';
export {
  checkMapping,
  type HeadPart,
  type MappedModel,
  type MappedTensor,
  type OnnxMapping,
  readMapping,
} from './onnx/mapping.js';
export { OnnxModel } from './onnx/model.js';
export type { OnnxModelOptions } from './onnx/net.js';
export type { ModelOutputs } from './onnx/placement.js';
export { readModel } from './onnx/readModel.js';
export type { OnnxRuntime, OnnxSession, OnnxTensor } from './onnx/runtime.js';
export { exportOnnxStudent, type OpenStudent, openStudent, restoreNet } from './onnx/students.js';
export { OnnxTeacher } from './onnx/teacher.js';
export type { Activation } from './ops/activated.js';
