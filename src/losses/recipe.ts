import { isPlain, kindOf } from '../util/argument.js';
import { InputError } from '../util/error.js';
import { faultsIn } from '../util/schema.js';
import isRecipe from './recipe.jsonschema';

/** The region in which features are imitated: those of `imitationRegion`, and general instances over the batch or by image. */
export type ImitationMethod =
  | 'none'
  | 'whole'
  | 'inside'
  | 'main'
  | 'finegrained'
  | 'decouple'
  | 'gibox'
  | 'gibox-image';

/**
 * Everything that a head loss can be told: weights, temperatures, regions and normalisers of every term. Plain JSON.
 * Numbers are weights unless said otherwise; 0 switches a term off. Sections are those of the LD paper (CVPR 2022).
 */
export interface Recipe {
  /** For messages, names of runs and tables. */
  name: string;
  /** Which locations learn what. */
  regions: {
    /** Candidates a level of ATSS. */
    topk: number;
    /** Anchor side in strides. */
    octaveScale: number;
    /** Anchor centre in cells from the cell's top-left corner. */
    centreOffset: number;
    /** Anchors that ignore boxes cover by more than this share are not negatives; negative: off. */
    ignoreIofThreshold: number;
    /** Form of the valuable localization region: the paper's DIoU, or the reference code's IoF − ρ²/c². */
    vlr: 'paper' | 'reference';
    /** The VLR's lower bound as a share of the assigner's threshold (Algorithm 1). */
    gamma: number;
  };
  /** Quality focal loss on every location and class. */
  classification: {
    /** Of the term `loss_cls`. */
    weight: number;
    /** Exponent of the factor |y − σ|^β. */
    beta: number;
    /** What the sum is divided by: max(positives of the image, 1) summed over images, positives of the batch, or 1. */
    normaliser: 'images' | 'positives' | 'none';
  };
  /** What the bins mean and the loss on the decoded boxes of the main region. */
  box: {
    /** Of the bins: distances of the edges in strides, or offsets from the anchor. */
    parameters: 'ltrb' | 'offset';
    /** Loss of a decoded box: 1 − GIoU, or 1 − CIoU. */
    form: 'giou' | 'ciou';
    /** Of the term `loss_bbox`. */
    weight: number;
    /**
     * Pseudo-box regression: where the student's box is worse than the teacher's, its loss counts so many times more
     * (teacher-bounded regression, Chen et al., NeurIPS 2017, eq. 5, with this box loss in place of the squared distance).
     */
    bounded: number;
    /** What the sum is divided by: the positives' weights (the student's best scores), the positives, or 1; DFL's likewise. */
    normaliser: 'weights' | 'positives' | 'none';
    /**
     * What a trainer computes of the box branches: `dense`, the logits of every location, or `listed`, only those that a loss
     * needs (Cut LD). The losses and gradients are the same to rounding.
     */
    branch: 'dense' | 'listed';
  };
  /** Distribution focal loss; targets are clamped `margin` bins below the last. Normalised as `box`. */
  dfl: {
    /** Of the term `loss_dfl`. */
    weight: number;
    /** Bins between the largest target and the last bin. */
    margin: number;
  };
  /** Localization distillation: temperature KL over the bins of each edge. */
  ld: {
    /** Weight λ of `loss_ld`, on the positives. */
    main: number;
    /** Weight λ of `loss_ld_vlr`, on the VLR. */
    vlr: number;
    /** T, which both distributions are softened by. */
    temperature: number;
    /**
     * What the sums over locations and edges are divided by: `reference`, 4 in the main region and 16 in the VLR; `weights`,
     * 4 times the sum of the region's weights; `none`, 1.
     */
    normaliser: 'reference' | 'weights' | 'none';
  };
  /** Class distillation; `binary` compares each class's sigmoid and is not silent with a single class. */
  kd: {
    /** Weight of `loss_kd`, on the positives. */
    main: number;
    /** Weight of `loss_kd_neg`, on the VLR. */
    vlr: number;
    /** T, which both nets' class logits are divided by. */
    temperature: number;
    /** One distribution over the classes, or one Bernoulli distribution a class. */
    form: 'softmax' | 'binary';
    /** What the sum over locations is divided by: the region's locations on the level, on all levels, or 1. */
    normaliser: 'level' | 'region' | 'none';
  };
  /** Feature imitation: mean squared error over the region's locations and all channels. */
  imitation: {
    /** The region. */
    method: ImitationMethod;
    /** Of the term `loss_im`. */
    weight: number;
    /** Of `decouple`: how many times the background counts, the foreground counting once. */
    background: number;
    /** Whether a level without positives imitates nothing, as in the reference implementation. */
    needsPositives: boolean;
  };
}

/** The defaults: the constants of the reference implementation (LDHead, GFocal), without distillation. */
const GFOCAL: Recipe = {
  name: 'gfocal',
  regions: { topk: 9, octaveScale: 8, centreOffset: 0, ignoreIofThreshold: -1, vlr: 'paper', gamma: 0.25 },
  classification: { weight: 1, beta: 2, normaliser: 'images' },
  box: { parameters: 'ltrb', form: 'giou', weight: 2, bounded: 0, normaliser: 'weights', branch: 'dense' },
  dfl: { weight: 0.25, margin: 0.1 },
  ld: { main: 0, vlr: 0, temperature: 10, normaliser: 'reference' },
  kd: { main: 0, vlr: 0, temperature: 2, form: 'softmax', normaliser: 'level' },
  imitation: { method: 'none', weight: 0, background: 2, needsPositives: true },
};

/** A recipe where every field may be left out; what is left out is that of `gfocal`. */
export type PartialRecipe = { [K in keyof Recipe]?: Recipe[K] extends object ? Partial<Recipe[K]> : Recipe[K] };

/** Weights of the paper's last row (Main KD + Main LD + VLR LD) for GFocal heads. */
const MAIN_LD = { main: 0.25 };
const MAIN_VLR_LD = { main: 0.25, vlr: 0.25 };
const OURS = { ld: MAIN_VLR_LD, kd: { main: 10 } };
/** The feature weight of the reference's R50 configuration. */
const IMITATION_WEIGHT = 2;
const IMITATIONS = ['whole', 'inside', 'main', 'finegrained', 'decouple', 'gibox', 'gibox-image'] as const;

const SHIPPED: PartialRecipe[] = [
  { name: 'gfocal' },
  { name: 'main-ld', ld: MAIN_LD },
  { name: 'vlr-ld', ld: { vlr: 0.25 } },
  { name: 'main-ld+vlr-ld', ld: MAIN_VLR_LD },
  { name: 'main-kd', kd: { main: 10 } },
  { name: 'main-kd+main-ld', ld: MAIN_LD, kd: { main: 10 } },
  { name: 'main-kd+main-ld+vlr-ld', ...OURS },
  { name: 'main-kd+main-ld+vlr-ld+vlr-kd', ld: MAIN_VLR_LD, kd: { main: 10, vlr: 10 } },
  { name: 'pseudo-box', box: { bounded: 0.5 } }, // the weight of Chen et al.
  { name: 'paper', ...OURS, regions: { vlr: 'paper' } },
  { name: 'reference', ...OURS, regions: { vlr: 'reference' } },
  ...IMITATIONS.flatMap((method) => [
    { name: `imitation-${method}`, imitation: { method, weight: IMITATION_WEIGHT } },
    { name: `main-kd+main-ld+vlr-ld+imitation-${method}`, ...OURS, imitation: { method, weight: IMITATION_WEIGHT } },
  ]),
];

/** Names of the shipped recipes; those of the paper's tables. */
export const recipeNames: readonly string[] = SHIPPED.map(({ name }) => name ?? '');

/**
 * A whole recipe from a shipped one's name or from a partial one; what it leaves out is that of `gfocal`.
 * @throws InputError that names every unknown field, wrong type and value out of range
 */
export function resolveRecipe(recipe: string | PartialRecipe): Recipe {
  if (typeof recipe === 'string' && !recipeNames.includes(recipe)) {
    throw new InputError(`recipe: there is none called ${recipe}; the shipped ones are ${recipeNames.join(', ')}.`);
  }
  const given = typeof recipe === 'string' ? SHIPPED.find(({ name }) => name === recipe) : recipe;
  if (!isPlain(given)) {
    throw new InputError(`recipe: ${kindOf(given)} is not a JSON object; give a name or the fields to change.`);
  }
  const sections = Object.entries(given).map(([key, value]) => {
    const base = Object.hasOwn(GFOCAL, key) ? GFOCAL[key as keyof Recipe] : undefined;
    return [key, typeof base === 'object' && isPlain(value) ? { ...base, ...value } : value];
  });
  const merged = { ...GFOCAL, name: 'custom', ...Object.fromEntries(sections) };
  const { name } = merged;
  const faults = faultsIn(merged, isRecipe, 'a recipe');
  if (faults !== null) throw new InputError(`recipe${typeof name === 'string' ? ` ${name}` : ''}: ${faults}.`);
  const whole: Recipe = merged;
  if (whole.imitation.weight > 0 && whole.imitation.method === 'none') {
    throw new InputError(
      `recipe ${whole.name}: imitation.weight is ${whole.imitation.weight} but imitation.method is none.`,
    );
  }
  if (whole.box.branch === 'listed') {
    throw new InputError(
      `recipe ${whole.name}: box.branch is listed, which is gone: a training step gained 0 to 7 %. Leave the field out.`,
    );
  }
  return whole;
}

/** True where the recipe compares the student with a teacher. */
export function needsTeacher({ box, ld, kd, imitation }: Recipe): boolean {
  return box.bounded > 0 || ld.main > 0 || ld.vlr > 0 || kd.main > 0 || kd.vlr > 0 || imitation.weight > 0;
}
