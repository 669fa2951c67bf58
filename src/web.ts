/**
 * The library and what of the trainer a browser can run: data from bytes instead of files, training steps, evaluation,
 * golden cases. Nothing here, nor in what it imports, needs Node.
 * @module edgewise/web
 */
export { parseCoco } from './data/coco.js';
export type { CocoDataset, CocoOptions } from './data/cocoDataset.js';
export { pixelsOf } from './data/fit.js';
export { type Batch, Loader, type LoaderOptions, type LoaderShare } from './data/loader.js';
export { parseSafetensors, type SafetensorsFile, type StoredTensor } from './data/safetensors.js';
export { type ShapesOptions, shapesDataset, toCoco } from './data/shapes.js';
export type { ImageSource, ObjectsOfImage, Sample } from './data/source.js';
export { decodeBoxes } from './detector/decode.js';
export { type AveragePrecision, averagePrecision, STATISTICS } from './eval/averagePrecision.js';
export type { Detection } from './eval/detections.js';
export type { Deviation } from './eval/deviation.js';
export {
  type GoldenAssignment,
  type GoldenCase,
  parseGoldenCase,
} from './eval/goldenCase.js';
export { checkGoldenCase } from './eval/goldenCheck.js';
export type { GoldenHeadCase, HeadAssignment, LevelLogits } from './eval/goldenHead.js';
export type { GoldenLoss, GoldenOutputs } from './eval/goldenLoss.js';
export * from './index.js';
export { type Agreement, type AgreementHeads, AgreementMeter, type LevelAgreement } from './train/agreement.js';
export { type EvaluateOptions, type Evaluation, evaluate } from './train/evaluate.js';
export { planStep, type StepSizes } from './train/fits.js';
export { type Learner, makeLearner } from './train/learner.js';
export type { LossScale } from './train/lossScale.js';
export { Optimizer, type OptimizerSettings } from './train/optimizer.js';
export { learningRateAt } from './train/schedule.js';
export { DEFAULT_SETTINGS, type TrainSettings, trainSettings } from './train/settings.js';
export { type BatchOfStep, type StepTools, trainStep } from './train/step.js';
export type { Teacher, TeacherConfig, TeacherOutputs, TeacherStep } from './train/teacher.js';
export { meanTerms, TermHistory } from './train/terms.js';
