/**
 * The trainer: data, training, evaluation and checkpoints, as `edgewise train` uses them. It needs Node.
 * @module edgewise/trainer
 */
export type { CocoDataset, CocoImage } from './data/cocoDataset.js';
export { type CocoFolder, type OpenDatasetOptions, openDataset } from './data/folder.js';
export type { Category, CocoAnnotation, CocoImageEntry, GroundTruth } from './data/groundTruth.js';
export type { Dtype, StoredTensor } from './data/safetensors.js';
export { type ShapesOptions, shapesDataset, toCoco } from './data/shapes.js';
export type { ImageSource, ObjectsOfImage, Sample } from './data/source.js';
export { type AssignmentOptions, assignmentStatistics, type ClassAssignment } from './eval/assignmentStatistics.js';
export { type AveragePrecision, averagePrecision, type PrecisionRecall, STATISTICS } from './eval/averagePrecision.js';
export { type Detection, readDetections } from './eval/detections.js';
export type { CalibrationBin, CalibrationCurve, EdgeCalibration } from './eval/edgeCalibration.js';
export type { Communicator, Numbers } from './mpi/communicator.js';
export { openMpi } from './mpi/mpi.js';
export type { Agreement, LevelAgreement } from './train/agreement.js';
export {
  type Checkpoint,
  type CheckpointMetadata,
  type CheckpointUse,
  loadCheckpoint,
  restoreDetector,
} from './train/checkpoint.js';
export type { CheckpointEvery, TrainContext, TrainResult } from './train/context.js';
export { type EvaluateOptions, type Evaluation, evaluate } from './train/evaluate.js';
export { type FillOptions, fillTeacherCache } from './train/fillCache.js';
export type { GroupRate, GroupSettings } from './train/groups.js';
export type { LogEntry } from './train/logEntry.js';
export type { LossScaleState } from './train/lossScale.js';
export { type ClassMeasures, measureRun, type RunMeasures, readMeasures, writeMeasures } from './train/measures.js';
export type { OptimizerSettings } from './train/optimizer.js';
export type {
  CompilationReport,
  EpochReport,
  EvaluationReport,
  StepProgress,
  StepReport,
  TrainProgress,
  WarningReport,
} from './train/progress.js';
export { type RunDescription, type RunOrigin, readLog, readRun } from './train/runFolder.js';
export type { ScheduleSettings } from './train/schedule.js';
export { DEFAULT_SETTINGS, type TrainSettings, trainSettings } from './train/settings.js';
export type { GivenStudent, StudentRecord } from './train/student.js';
export type { Teacher, TeacherConfig, TeacherOutputs, TeacherStep } from './train/teacher.js';
export { together } from './train/together.js';
export { resumeTraining, type TrainOptions, train } from './train/train.js';
export {
  applyWeights,
  DETECTOR_PARTS,
  type DetectorPart,
  loadWeights,
  saveWeights,
  type Weights,
  weightsOf,
} from './train/weights.js';
