import type { Recipe } from './recipe.generated.js';

/** A recipe where every field may be left out; what is left out is that of `gfocal`. */
export type PartialRecipe = { [K in keyof Recipe]?: Recipe[K] extends object ? Partial<Recipe[K]> : Recipe[K] };
type NamedRecipe = PartialRecipe & { name: string };

/** Weights of the paper's last row (Main KD + Main LD + VLR LD) for GFocal heads. */
const MAIN_LD = { main: 0.25 };
const MAIN_VLR_LD = { main: 0.25, vlr: 0.25 };
const OURS = { ld: MAIN_VLR_LD, kd: { main: 10 } };
/** The feature weight of the reference's R50 configuration. */
const IMITATION_WEIGHT = 2;
/** BCKD (Yang et al., ICCV 2023), as its code has it: class and box of all locations of levels with positives. */
const BCKD = {
  kd: { all: 1, form: 'focal-binary', beta: 1, temperature: 1, normaliser: 'images', needsPositives: true },
  iouLd: {
    weight: 4,
    region: 'all',
    form: 'giou',
    weights: 'score-difference',
    normaliser: 'images',
    needsPositives: true,
  },
} as const;
/** CrossKD's box term (Wang et al., CVPR 2024). */
const LD_ALL = {
  all: 4,
  temperature: 1,
  reduction: 'sum',
  weights: 'teacher-score',
  normaliser: 'weights',
} as const;
/** CrossKD (Wang et al., CVPR 2024), crosskd_gfl.py: the student's features before the teacher's last convolution and its predictions. */
const CROSS_KD = {
  kd: { all: 1, form: 'focal-binary', beta: 1, temperature: 1, normaliser: 'positives' },
  ld: LD_ALL,
  cross: { convolutions: 1 },
} as const;
/** PKD (Cao et al., NeurIPS 2022) with the weight of CrossKD's configurations for GFocal. */
const PKD = { method: 'pkd', weight: 6 } as const;
/** CWD (Shu et al., ICCV 2021) on the neck, as mmyolo's configurations of RTMDet have it. */
const CWD = { method: 'cwd', weight: 1, temperature: 1, projector: 'linear', norm: 'batch' } as const;
const IMITATIONS = ['whole', 'inside', 'main', 'finegrained', 'decouple', 'gibox', 'gibox-image'] as const;

const PAPER: readonly NamedRecipe[] = [
  { name: 'gfocal' },
  // The paper's best, where class distillation means as much for each class as with COCO's 80.
  { name: 'ld', ld: MAIN_VLR_LD, kd: { main: 10, weightPer: 'classes' } },
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
  { name: 'bckd', ...BCKD },
  { name: 'ld-all', ld: LD_ALL },
  { name: 'crosskd', ...CROSS_KD },
  { name: 'crosskd+pkd', ...CROSS_KD, imitation: PKD },
  { name: 'cwd', imitation: CWD },
  { name: 'cwd+ld', ld: MAIN_VLR_LD, imitation: CWD },
  { name: 'pkd', imitation: PKD },
  { name: 'pkd+ld', ld: MAIN_VLR_LD, imitation: PKD },
  ...IMITATIONS.flatMap((method) => [
    { name: `imitation-${method}`, imitation: { method, weight: IMITATION_WEIGHT } },
    { name: `main-kd+main-ld+vlr-ld+imitation-${method}`, ...OURS, imitation: { method, weight: IMITATION_WEIGHT } },
  ]),
];

/** Task-aligned heads go by the assigner's score in everything. */
const BY_SCORE = { weights: 'target-score', normaliser: 'scores' } as const;

/** Ultralytics' v8DetectionLoss: YOLOv8, YOLO11, YOLO12. Heads of 16 bins. */
const YOLOV8: NamedRecipe = {
  name: 'yolov8',
  regions: { assigner: 'task-aligned', centreOffset: 0.5, vlr: 'none' },
  taskAligned: { topk: 10, alpha: 0.5, beta: 6 },
  classification: { loss: 'bce', target: 'assigned', weight: 0.5, normaliser: 'scores', initial: 'objects' },
  box: { form: 'ciou-ultralytics', weight: 7.5, ...BY_SCORE },
  dfl: { weight: 1.5, margin: 0.01 },
  scale: 'batch',
};

/** RangiLyu/nanodet, nanodet_head.py with nanodet-m.yml: a GFocal head with smaller anchors. 8 bins, three levels. */
const NANODET: NamedRecipe = { name: 'nanodet', regions: { octaveScale: 5, centreOffset: 0.5 } };

/** RangiLyu/nanodet, nanodet_plus_head.py, without the auxiliary head. 8 bins, four levels. */
const NANODET_PLUS: NamedRecipe = {
  name: 'nanodet-plus',
  regions: { assigner: 'dynamic-soft-label', centreOffset: 0, vlr: 'none' },
  classification: { loss: 'qfl', target: 'assigned', weight: 1, beta: 2, normaliser: 'positives' },
  box: { form: 'giou', weight: 2, weights: 'best-score', normaliser: 'clamped-weights' },
  dfl: { weight: 0.25, margin: 0.1 },
};

/** PaddleDetection's heads have one form; the overlaps that settle conflicts are those of all pairs. */
const PADDLE = {
  taskAligned: { topk: 13, alpha: 1, beta: 6, overlap: 'iou', masked: false },
  classification: {
    loss: 'varifocal',
    alpha: 0.75,
    beta: 2,
    iouWeighted: true,
    target: 'assigned',
    weight: 1,
    normaliser: 'scores',
  },
  box: { form: 'giou', weight: 2.5, ...BY_SCORE },
} as const;

/** The anchors of `grid_cell_scale`, of the epochs of ATSS. */
const PADDLE_REGIONS = { assigner: 'task-aligned', octaveScale: 5, centreOffset: 0.5, vlr: 'none' } as const;

/** PaddleDetection's ppyoloe_head.py. 17 bins. */
const PPYOLOE: NamedRecipe = {
  name: 'ppyoloe',
  regions: { ...PADDLE_REGIONS, switchAfter: 4 },
  ...PADDLE,
  dfl: { weight: 0.5, margin: 0.01 },
};

/** PaddleDetection's PicoHeadV2. 8 bins, four levels. */
const PICODET: NamedRecipe = {
  name: 'picodet',
  regions: { ...PADDLE_REGIONS, switchAfter: 100 },
  ...PADDLE,
  dfl: { weight: 0.5, margin: 0.1 },
};

/**
 * The head with main LD. DFL and LD are means over the edges with the same kind of weights, and LD's gradient by a logit,
 * T (softmax(s/T) − softmax(t/T)), is of the size of DFL's, p − y: for large T it tends to the difference of the logits over the number of
 * bins. So LD has the weight of the head's own DFL, as in the LD paper (both 0.25 at T = 10), YOLOv6's distillation (0.5 at T = 20) and
 * PP-YOLOE's (0.5 at T = 1). The divisor is the sum of target scores, so that LD does not grow with the objects of a step.
 */
function withLd(head: NamedRecipe): NamedRecipe {
  const main = head.dfl?.weight ?? 0.25;
  return { ...head, name: `${head.name}+ld`, ld: { main, temperature: 10, ...BY_SCORE } };
}

/**
 * YOLOv6 v3's self-distillation of distributions (loss_distill.py) as its paper means it (Li et al., arXiv 2301.05586): the code reduces the
 * divergence to one number before the weights, which then cancel. Its class term, softmaxes of sigmoids without a normaliser, is left out.
 * 17 bins.
 */
const YOLOV6_LD: NamedRecipe = {
  ...PPYOLOE,
  name: 'yolov6-ld',
  ld: { main: 0.5, temperature: 20, reduction: 'sum', ...BY_SCORE },
  distillation: { schedule: 'cosine', end: 0.01 },
};

/** Ultralytics' distillation of 2026 (distill_model.py): the default gain `dis` and its projector. */
const ULTRALYTICS_FEATURES: NamedRecipe = {
  ...YOLOV8,
  name: 'ultralytics-features',
  imitation: { method: 'score-weighted', weight: 6, projector: 'two-layer' },
};

const HEADS = [YOLOV8, NANODET_PLUS, PPYOLOE, PICODET, ULTRALYTICS_FEATURES].flatMap((head) => [head, withLd(head)]);

/** NanoDet's head is GFocal's, so its LD is the paper's. */
const NANODETS: readonly NamedRecipe[] = [NANODET, { ...NANODET, name: 'nanodet+ld', ld: MAIN_VLR_LD }];

/** The recipes that have a name. */
export const SHIPPED: readonly NamedRecipe[] = [...PAPER, ...NANODETS, ...HEADS, YOLOV6_LD];
