/**
 * The library: losses, regions, autograd and detector on WebGPU. Nothing here needs Node.
 * @module edgewise
 */
export { checkGradients, type GradientCheck, type GradientCheckOptions } from './autograd/checkGradients.js';
export {
  type GradientPiece,
  type ParameterDeclaration,
  ParameterStore,
  type ParameterValues,
} from './autograd/parameters.js';
export { recomputed } from './autograd/recomputed.js';
export { backward, type Pullback, type Seed, type SinkOf, Variable } from './autograd/variable.js';
export type { ChooseOptions, Detections } from './detector/choose.js';
export { type DetectorConfig, type DetectorSize, detectorConfig } from './detector/config.js';
export { type DecodeOptions, decode } from './detector/decode.js';
export { Detector, type DetectorOutputs } from './detector/detector.js';
export type { HeadLogits, TowerFeatures } from './detector/head.js';
export type { DetectionNet, NetConfig, NetOutputs } from './detector/net.js';
export type { AdapterPreference } from './gpu/adapter.js';
export type { BufferPlan, BufferUse, PlannedRequest } from './gpu/bufferPlan.js';
export type { ChoiceName, Choices } from './gpu/choices.js';
export type { BufferRange, KernelDefinition, KernelVariant, Launch } from './gpu/launch.js';
export type { KernelTime } from './gpu/profile.js';
export type { WgslCode, WgslDeclarations, WgslLoop, WgslPart, WgslScalar } from './gpu/wgsl.js';
export { alignChannels } from './losses/alignChannels.js';
export { distributionFocalLoss } from './losses/dfl.js';
export { distillationAt } from './losses/distillationSchedule.js';
export { integral, type ProjectionOptions, softmaxOverBins } from './losses/distribution.js';
export {
  bestScores,
  type ChannelWiseOptions,
  channelWiseDistillation,
  type FeatureOptions,
  type NormalisedFeatureOptions,
  pearsonImitation,
  scoreWeightedImitation,
} from './losses/featureDistillation.js';
export {
  type DecoupledOptions,
  decoupledDistillationFocalLoss,
  fineGrainedLocalizationLoss,
} from './losses/fineGrained.js';
export { type BoxLossOptions, giouLoss } from './losses/giou.js';
export type { GradientTargets } from './losses/headGradients.js';
export type { HeadLossInput } from './losses/headInput.js';
export { HeadLoss, type HeadLossOptions } from './losses/headLoss.js';
export type { HeadOutputs } from './losses/headOutputs.js';
export type { HeadLossResult, HeadLossValues, HeadRegions } from './losses/headResult.js';
export { TERM_NAMES, type TermName } from './losses/headTerms.js';
export { type ImitationOptions, imitationLoss } from './losses/imitation.js';
export { type ClassDistillationOptions, classDistillation } from './losses/kd.js';
export { type TemperatureOptions, temperatureKL } from './losses/ld.js';
export {
  type LocalizationLosses,
  type LocalizationOptions,
  type LocalizationTargets,
  localizationLosses,
} from './losses/localizationLosses.js';
export { fineGrainedProjection, uniformProjection } from './losses/projection.js';
export { type QualityFocalOptions, type QualityTargets, qualityFocalLoss } from './losses/qfl.js';
export { type ImitationMethod, type PartialRecipe, type Recipe, recipeNames, resolveRecipe } from './losses/recipe.js';
export type { RowLossOptions } from './losses/rowLoss.js';
export { type Assignment, type AssignmentMaps, assignmentMaps } from './regions/assignment.js';
export { type AtssAssignment, assignAtss, atss } from './regions/atss.js';
export type { AtssOptions } from './regions/atssCandidates.js';
export type { Projection } from './regions/binValues.js';
export { type DynamicSoftLabelOptions, dynamicSoftLabel } from './regions/dynamicSoftLabel.js';
export { type GeneralInstancesInput, generalInstances } from './regions/generalInstances.js';
export { assignmentOf, type GivenAssignment } from './regions/given.js';
export { type Grid, type GridOptions, makeGrid } from './regions/grid.js';
export { type ImitationRegionMethod, imitationRegion } from './regions/imitation.js';
export type { HeadMaps, StudentOptions } from './regions/student.js';
export { type TaskAlignedOptions, taskAligned } from './regions/taskAligned.js';
export { matchTeacher, type TeacherHead, type TeacherHeadOptions, type TeacherLevel } from './regions/teacherHead.js';
export { type GroundTruth, type Truth, uploadTruth } from './regions/truth.js';
export { type AdapterDescription, Device, type OpenOptions, openDevice } from './tensor/device.js';
export { halfTensor } from './tensor/half.js';
export {
  channelMajorLayout,
  channelsFrom,
  type LevelLayout,
  type LogitLayout,
  layoutOf,
  type Maps,
  rowMajorLayout,
} from './tensor/layout.js';
export type { Exchange, Parts } from './tensor/parts.js';
export { type Level, type LevelSize, Pyramid } from './tensor/pyramid.js';
export type { Needs, SizingDevice } from './tensor/sizing.js';
export type { StoredType } from './tensor/stored.js';
export { type DataType, Tensor, type TensorPlacement, type Values } from './tensor/tensor.js';
export type { ChoiceReport, TuneOptions, Workload } from './tensor/tune.js';
export { Optimizer, type OptimizerSettings } from './train/optimizer.js';
export { type TrainingWorkloads, trainingWorkloads } from './train/workloads.js';
export { DeviceError, InputError } from './util/error.js';
