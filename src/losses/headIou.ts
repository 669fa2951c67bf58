import allSource from '../../shaders/losses/head_boxes_all.wgsl';
import iouSource from '../../shaders/losses/head_iou.wgsl';
import overlapSource from '../../shaders/losses/head_overlap_weights.wgsl';
import { composed, composedOfTwo } from '../gpu/composed.js';
import type { Assignment } from '../regions/assignment.js';
import { tensorOf } from '../tensor/layout.js';
import type { Tensor } from '../tensor/tensor.js';
import { boxForms, edgeForms } from './compose.js';
import { LOCATION_WEIGHTS } from './headLesson.js';
import { type BothLogits, boxParams, runBoxPass, type SamplePass } from './headSamples.js';
import {
  codecConstants,
  codecParams,
  type HeadSetting,
  type Records,
  sampleParams,
  sampleWorkgroups,
  teacherEdgeConstants,
} from './headSetting.js';
import type { StreamPartials } from './headStream.js';
import { type HeadTerm, overAll } from './headTerm.js';

const OVERLAP_WEIGHTS = { name: 'head overlap weights', source: overlapSource };
const allKernelOf = composedOfTwo('head boxes, all', allSource, boxForms, edgeForms);
const iouKernelOf = composed('head IoU', iouSource, boxForms);

/** IoU distillation of the positives, or of all locations. */
export const IOU_TERM = {
  name: 'loss_ld_iou',
  curve: 'IoU distillation',
  fault: "the student's or the teacher's logits",
  distils: true,
  scale: ({ iouLd }) => (iouLd.region === 'all' ? overAll(iouLd, iouLd.weights) : iouLd),
  pass: distilMainBoxes,
} as const satisfies HeadTerm;

/** Weighs positives by the IoU of the student's box, once both are known; does nothing where the recipe has no such weights. */
export function overlapWeights(
  setting: HeadSetting,
  { samples, counts, slots, targets, maxPositives }: Assignment,
  { weights }: StreamPartials,
  { tensor: records }: Records,
): void {
  const { device, recipe } = setting;
  const { ld } = recipe;
  if (ld.weights !== 'decoupled' || !weights) return;
  device.run({
    kernel: OVERLAP_WEIGHTS,
    constants: codecConstants(recipe),
    bindings: {
      targets: targets.range4,
      counts: counts.range,
      samples: samples.range,
      records: records.range,
      weights: weights.tensor.range,
    },
    params: {
      ...sampleParams(setting, slots),
      ...codecParams(setting),
      first: LOCATION_WEIGHTS.decoupled * weights.stride,
      balances: ld.normaliser === 'decoupled' ? 1 : 0,
    },
    workgroups: sampleWorkgroups(setting, maxPositives),
  });
}

/** Whether boxes are distilled at all locations. */
export function distilsAllBoxes({ recipe: { ld, iouLd } }: HeadSetting): boolean {
  return ld.all > 0 || (iouLd.weight > 0 && iouLd.region === 'all');
}

/** Writes the gradient of all box logits, before `boxSamples`. @returns [2, N] coded losses, LD and IoU distillation; null for none */
export function distilAllBoxes(
  setting: HeadSetting,
  boxLogits: BothLogits,
  { table }: Assignment,
  { weights }: StreamPartials,
  { gradient, factors }: { gradient: Tensor; factors: Tensor },
): Tensor | null {
  if (!distilsAllBoxes(setting)) return null;
  const { device, recipe, grid, batch, bins, teacher: head } = setting;
  const { ld, iouLd } = recipe;
  const locations = batch * grid.locations;
  const losses = device.empty([2, locations], 'u32');
  const hasIou = iouLd.weight > 0 && iouLd.region === 'all';
  const kindOf = (kind: string) => LOCATION_WEIGHTS[kind as keyof typeof LOCATION_WEIGHTS] ?? LOCATION_WEIGHTS.none;
  device.run({
    kernel: allKernelOf(iouLd.form, head.isRebinned ? 'rebinned' : 'same'),
    constants: {
      ...codecConstants(recipe),
      ...teacherEdgeConstants(setting),
      BINS: bins,
      IOU: hasIou ? 1 : 0,
      LD: ld.all > 0 ? 1 : 0,
      IOU_WEIGHT: kindOf(iouLd.weights),
      LD_WEIGHT: kindOf(ld.weights),
      LD_SUMS: ld.reduction === 'sum' ? 1 : 0,
    },
    bindings: {
      student: tensorOf(boxLogits.student).range,
      teacher_box: tensorOf(boxLogits.teacher).range,
      table: table.range,
      // Without weights none is read.
      weights: (weights?.tensor ?? factors).range,
      factors: factors.range,
      gradient: gradient.range,
      losses: losses.range,
    },
    params: {
      batch,
      level_count: grid.levels.length,
      locations,
      weight_stride: weights?.stride ?? 0,
      edges: 4,
      temperature: ld.temperature,
      levels: grid.levelTable,
      ...boxParams(setting, boxLogits),
    },
    invocations: locations,
  });
  return losses;
}

/** IoU distillation of the positives, after `boxSamples`. */
function distilMainBoxes(pass: SamplePass): void {
  const { recipe } = pass.setting;
  const { weight, region, form } = recipe.iouLd;
  if (weight === 0 || region !== 'main') return;
  runBoxPass(pass, { kernel: iouKernelOf(form), constants: codecConstants(recipe) });
}
