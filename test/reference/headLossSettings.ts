import type { GridOptions } from './grid.js';
import type { ImitationMethod } from './imitationRegion.js';

/** Everything the head loss depends on besides logits and ground truth. */
export interface HeadLossSettings extends GridOptions {
  batch: number;
  classes: number;
  bins: number;
  /** ATSS: nearest anchors a level, and the IoF above which ignore regions are used (-1: not used). */
  topk: number;
  ignoreIofThreshold: number;
  /** Quality focal loss's exponent. */
  beta: number;
  boxLoss: 'giou' | 'ciou';
  /** Teacher-bounded regression: how many times more the box loss counts where the student's exceeds the teacher's. */
  bounded: number;
  /** Weight of each term. `ld` and `ldVlr` are divided by `ldDivisor` and `ldVlrDivisor` besides. */
  weights: Record<Term, number>;
  ldDivisor: number;
  ldVlrDivisor: number;
  temperatureLd: number;
  temperatureLdVlr: number;
  /** Class distillation, main region and VLR alike. */
  temperatureKd: number;
  /** softmax: one KL over the C classes (reference); binary: a Bernoulli KL a class. */
  kdForm: 'softmax' | 'binary';
  vlr: { form: 'reference' | 'paper'; gamma: number };
  imitation: { method: ImitationMethod; giboxScope: 'batch' | 'image' };
}

/** Loss terms, each one value a level, under the reference implementation's names. */
export type Term =
  | 'loss_cls'
  | 'loss_bbox'
  | 'loss_dfl'
  | 'loss_ld'
  | 'loss_ld_vlr'
  | 'loss_kd'
  | 'loss_kd_neg'
  | 'loss_im';

type Sizes = Pick<HeadLossSettings, 'width' | 'height' | 'strides' | 'batch' | 'classes' | 'bins'>;

/** The recipe `reference` (spec 4) for these sizes; `changes` replace whole entries, `weights` are merged. */
export function referenceSettings(
  sizes: Sizes,
  changes: Partial<Omit<HeadLossSettings, 'weights'>> & { weights?: Partial<Record<Term, number>> } = {},
): HeadLossSettings {
  const { width, height, strides, batch, classes, bins } = sizes;
  return {
    width,
    height,
    strides,
    batch,
    classes,
    bins,
    octaveBaseScale: 8,
    centreOffset: 0,
    topk: 9,
    ignoreIofThreshold: -1,
    beta: 2,
    boxLoss: 'giou',
    bounded: 0,
    ldDivisor: 4,
    ldVlrDivisor: 16,
    temperatureLd: 10,
    temperatureLdVlr: 10,
    temperatureKd: 2,
    kdForm: 'softmax',
    vlr: { form: 'reference', gamma: 0.25 },
    imitation: { method: 'finegrained', giboxScope: 'batch' },
    ...changes,
    weights: {
      loss_cls: 1,
      loss_bbox: 2,
      loss_dfl: 0.25,
      loss_ld: 0.25,
      loss_ld_vlr: 0.25,
      loss_kd: 10,
      loss_kd_neg: 0,
      loss_im: 0,
      ...changes.weights,
    },
  };
}
