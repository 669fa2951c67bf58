import bce from '../../shaders/losses/terms/bce.wgsl';
import ciou from '../../shaders/losses/terms/ciou.wgsl';
import ciouUltralytics from '../../shaders/losses/terms/ciou_ultralytics.wgsl';
import giou from '../../shaders/losses/terms/giou.wgsl';
import binary from '../../shaders/losses/terms/kd_binary.wgsl';
import softmax from '../../shaders/losses/terms/kd_softmax.wgsl';
import ldRebinned from '../../shaders/losses/terms/ld_rebinned.wgsl';
import ldSame from '../../shaders/losses/terms/ld_same.wgsl';
import qfl from '../../shaders/losses/terms/qfl.wgsl';
import varifocal from '../../shaders/losses/terms/varifocal.wgsl';
import type { KernelDefinition } from '../gpu/launch.js';
import type { Recipe } from './recipe.js';

/** Forms of the class loss: `class_background`, four logits of classes that are not there, and `class_loss`. */
export const classForms = { qfl, bce, varifocal };
/** Forms of the box loss: `box_loss` of a predicted box against a true one. */
export const boxForms = { giou, ciou, 'ciou-ultralytics': ciouUltralytics };
/** Forms of class distillation: `statistics_of` a sample, and `class_divergence` of a class's two logits. */
export const kdForms = { softmax, binary };

/** Forms of LD: `distil` a sample, bin with bin, or with the teacher's distribution in the student's bins. */
export const ldForms = { same: ldSame, rebinned: ldRebinned };

/** A name of `boxForms`. */
export type BoxForm = keyof typeof boxForms;

/**
 * Kernels that share a body and differ in one form, composed when they are first asked for.
 * @param body calls functions that each form defines
 */
export function composed<Form extends string>(
  name: string,
  body: KernelDefinition['source'],
  forms: Readonly<Record<Form, KernelDefinition['source']>>,
): (form: Form) => KernelDefinition {
  const made = new Map<Form, KernelDefinition>();
  return (form) => {
    let kernel = made.get(form);
    if (!kernel) {
      kernel = { name: `${name}, ${form}`, source: [...forms[form], ...body] };
      made.set(form, kernel);
    }
    return kernel;
  };
}

/** The overrides that a form of `class_background` has. */
export function streamConstants({ loss, beta }: Recipe['classification']): Record<string, number> {
  return loss === 'bce' ? {} : { BETA_IS_TWO: beta === 2 ? 1 : 0 };
}

/** The overrides that a form of `class_loss` has. */
export function classConstants(classification: Recipe['classification']): Record<string, number> {
  const { loss, iouWeighted } = classification;
  const own = streamConstants(classification);
  return loss === 'varifocal' ? { ...own, IOU_WEIGHTED: iouWeighted ? 1 : 0 } : own;
}
