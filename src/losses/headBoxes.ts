import boxSource from '../../shaders/losses/head_box.wgsl';
import ldSource from '../../shaders/losses/head_ld.wgsl';
import { composed } from '../gpu/composed.js';
import { boxForms, ldForms } from './compose.js';
import { runBoxPass, type SamplePass } from './headSamples.js';
import { ALL_SAMPLES, codecConstants, POSITIVES } from './headSetting.js';
import { type HeadTerm, type NamedScale, overAll } from './headTerm.js';
import type { Recipe } from './recipe.js';

const boxKernelOf = composed('head box', boxSource, boxForms);
const ldKernelOf = composed('head LD', ldSource, ldForms);

/** The box loss. */
export const BOX_TERM = {
  name: 'loss_bbox',
  curve: 'Boxes (GIoU or CIoU)',
  fault: "the student's logits",
  distils: false,
  scale: ({ box }) => box,
} as const satisfies HeadTerm;

/** DFL; of a head of one bin the L1 distance of the edges. */
export const DFL_TERM = {
  name: 'loss_dfl',
  curve: 'Distribution focal loss',
  fault: "the student's logits",
  distils: false,
  scale: ({ box: { normaliser }, dfl: { weight } }) => ({ weight: weight / 4, normaliser }),
} as const satisfies HeadTerm;

/** LD of the positives, or of all locations. */
export const LD_TERM = {
  name: 'loss_ld',
  curve: 'LD, main region',
  fault: "the student's or the teacher's box logits",
  distils: true,
  scale: ({ ld }) => (ld.all > 0 ? overAll(ldScale(ld.all, ld, 4), ld.weights) : ldScale(ld.main, ld, 4)),
  pass: distilBoxes,
} as const satisfies HeadTerm;

/** LD in the VLR, by the pass of `LD_TERM`. */
export const LD_VLR_TERM = {
  name: 'loss_ld_vlr',
  curve: 'LD, VLR',
  fault: "the student's or the teacher's box logits",
  distils: true,
  ofVlr: true,
  scale: ({ ld }) => ldScale(ld.vlr, ld, 16),
} as const satisfies HeadTerm;

/** LD is the mean over four edges; the reference divides by 4 and by 16 in place of a sum of weights. */
function ldScale(weight: number, { normaliser }: Recipe['ld'], reference: number): NamedScale {
  if (normaliser === 'reference') return { weight: weight / reference, normaliser: 'none' };
  return { weight: normaliser === 'none' ? weight : weight / 4, normaliser };
}

/** Box loss and DFL of the positives. */
export function boxSamples(pass: SamplePass): void {
  const { recipe, grid, distillation } = pass.setting;
  const { box, dfl } = recipe;
  runBoxPass(pass, {
    kernel: boxKernelOf(box.form),
    constants: { ...codecConstants(recipe), BOUNDED: box.bounded > 0 ? 1 : 0, ADDS: pass.adds ? 1 : 0 },
    bindings: { targets: pass.assignment.targets.range4 },
    params: {
      margin: dfl.margin,
      bounded_weight: box.bounded * distillation,
      image_width: grid.imageSize.width,
      image_height: grid.imageSize.height,
    },
  });
}

/** LD of the samples, after `boxSamples`. */
function distilBoxes(pass: SamplePass): void {
  const { recipe, bins, teacher } = pass.setting;
  const { ld } = recipe;
  if (ld.main === 0 && ld.vlr === 0) return;
  const which = ld.vlr > 0 ? ALL_SAMPLES : POSITIVES;
  runBoxPass(pass, {
    kernel: ldKernelOf(teacher.isRebinned ? 'rebinned' : 'same'),
    constants: { BINS: bins, ADDS: pass.adds ? 1 : 0, LD_SUMS: ld.reduction === 'sum' ? 1 : 0 },
    params: { which, temperature: ld.temperature, other_records: pass.records.others },
    which,
  });
}
