import bce from '../../shaders/losses/terms/bce.wgsl';
import ciou from '../../shaders/losses/terms/ciou.wgsl';
import ciouUltralytics from '../../shaders/losses/terms/ciou_ultralytics.wgsl';
import edgesRebinned from '../../shaders/losses/terms/edges_rebinned.wgsl';
import edgesSame from '../../shaders/losses/terms/edges_same.wgsl';
import giou from '../../shaders/losses/terms/giou.wgsl';
import binary from '../../shaders/losses/terms/kd_binary.wgsl';
import focalBinary from '../../shaders/losses/terms/kd_focal_binary.wgsl';
import softmax from '../../shaders/losses/terms/kd_softmax.wgsl';
import ldRebinned from '../../shaders/losses/terms/ld_rebinned.wgsl';
import ldSame from '../../shaders/losses/terms/ld_same.wgsl';
import none from '../../shaders/losses/terms/none.wgsl';
import qfl from '../../shaders/losses/terms/qfl.wgsl';
import streamBinary from '../../shaders/losses/terms/stream_kd_binary.wgsl';
import streamFocalBinary from '../../shaders/losses/terms/stream_kd_focal_binary.wgsl';
import streamNone from '../../shaders/losses/terms/stream_kd_none.wgsl';
import varifocal from '../../shaders/losses/terms/varifocal.wgsl';
import type { KernelDefinition } from '../gpu/launch.js';
import type { Recipe } from './recipe.js';

type Forms<Form extends string> = Readonly<Record<Form, KernelDefinition['source']>>;

/** Forms of the class loss: `class_background`, four logits of classes that are not there, and `class_loss`. */
export const classForms: Forms<'qfl' | 'bce' | 'varifocal' | 'none'> = { qfl, bce, varifocal, none };
/** Forms of the box loss: `box_loss` of a predicted box against a true one. */
export const boxForms: Forms<'giou' | 'ciou' | 'ciou-ultralytics'> = {
  giou,
  ciou,
  'ciou-ultralytics': ciouUltralytics,
};
/** Forms of class distillation: `statistics_of` a sample, `class_divergence` of a class's two logits, and `class_scale`. */
export const kdForms: Forms<'softmax' | 'binary' | 'focal-binary'> = { softmax, binary, 'focal-binary': focalBinary };
/** Forms of class distillation in the pass over all class logits: `class_lesson` of four logits of each net. */
export const streamKdForms: Forms<'binary' | 'focal-binary' | 'none'> = {
  binary: streamBinary,
  'focal-binary': streamFocalBinary,
  none: streamNone,
};

/** Forms of LD: `distil` a sample, bin with bin, or with the teacher's distribution in the student's bins. */
export const ldForms: Forms<'same' | 'rebinned'> = { same: ldSame, rebinned: ldRebinned };

/** Forms of the teacher's edges for passes over all locations: `teacher_edge_at`, `teacher_distribution_at`. */
export const edgeForms: Forms<'same' | 'rebinned'> = { same: edgesSame, rebinned: edgesRebinned };

/** A name of `boxForms`. */
export type BoxForm = keyof typeof boxForms;

/** The form of the class loss: none where it has no weight. */
export function classFormOf({ weight, loss }: Recipe['classification']): keyof typeof classForms {
  return weight > 0 ? loss : 'none';
}

/** Overrides of a form of `class_background`. */
export function streamConstants(classification: Recipe['classification']): Record<string, number> {
  const form = classFormOf(classification);
  return form === 'bce' || form === 'none' ? {} : { BETA_IS_TWO: classification.beta === 2 ? 1 : 0 };
}

/** Overrides of a form of `class_divergence`. */
export function kdConstants({ form, beta }: Pick<Recipe['kd'], 'form' | 'beta'>): Record<string, number> {
  return form === 'focal-binary' ? { KD_BETA: beta === 1 || beta === 2 ? beta : 0 } : {};
}

/** Overrides of a form of `class_loss`. */
export function classConstants(classification: Recipe['classification']): Record<string, number> {
  const { iouWeighted } = classification;
  const own = streamConstants(classification);
  return classFormOf(classification) === 'varifocal' ? { ...own, IOU_WEIGHTED: iouWeighted ? 1 : 0 } : own;
}
