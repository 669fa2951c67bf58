/**
 * The source of a recipe's fields: types, defaults (the constants of the reference implementation, LDHead and GFocal, without distillation),
 * ranges and meaning. Read when the package is built, never at run time: `npm run schemas` makes recipe.generated.ts and the table of
 * docs/train.md of it, scripts/jsonSchema.js the validator.
 */
import { type TProperties, Type } from 'typebox';
import { ASSIGNERS } from '../regions/assigners.js';

const section = <T extends TProperties>(description: string, fields: T) =>
  Type.Object(fields, { description, additionalProperties: false });
const weight = (standard: number, description: string) => Type.Number({ default: standard, minimum: 0, description });
const positive = (standard: number, description: string) =>
  Type.Number({ default: standard, exclusiveMinimum: 0, description });
const fraction = (standard: number, description: string) =>
  Type.Number({ default: standard, minimum: 0, maximum: 1, description });
const count = (standard: number, minimum: number, maximum: number, description: string) =>
  Type.Integer({ default: standard, minimum, maximum, description });
const flag = (standard: boolean, description: string) => Type.Boolean({ default: standard, description });
/** The first word is the default. */
const choice = <const T extends readonly [string, ...string[]]>(words: T, description: string, title?: string) =>
  Type.Enum<[...T]>(words, { default: words[0], description, ...(title && { title }) });

/** The first key is the default. */
const names = <K extends string>(list: Readonly<Record<K, unknown>>) => Object.keys(list) as [K, ...K[]];

/** Size of lists in the assigners' kernels. */
const MAX_TOPK = 32;

export default Type.Object(
  {
    name: Type.String({
      default: 'gfocal',
      minLength: 1,
      description: "In messages, tables and the run's folder; `custom` where a recipe of yours has none.",
    }),
    regions: section('Which locations learn what.', {
      assigner: choice(
        [...names(ASSIGNERS), 'given'],
        `What gives objects to locations: ${Object.values(ASSIGNERS)
          .map(({ what }) => what)
          .join(', ')}, or the caller.`,
      ),
      switchAfter: count(
        0,
        0,
        1_000_000,
        'Epochs that a training begins with ATSS, before the assigner; fewer than it has.',
      ),
      topk: count(9, 1, MAX_TOPK, 'Candidates of each object on each level (ATSS).'),
      octaveScale: positive(8, 'Side of the anchor in strides.'),
      centreOffset: fraction(0, 'Where in its cell a location is: 0 corner (GFocal), 0.5 middle (YOLOv8).'),
      ignoreIofThreshold: Type.Number({
        default: -1,
        maximum: 1,
        description: 'Anchors that crowds cover by more than this share are not negatives; below 0: off.',
      }),
      vlr: choice(
        ['paper', 'reference', 'none'],
        "Form of the valuable localization region: the paper's DIoU, the reference code's IoF − ρ²/c², or no such region.",
      ),
      gamma: fraction(
        0.25,
        "Lower end of the VLR, as a share of ATSS's threshold (Algorithm 1); 1: empty, 0: largest.",
      ),
    }),
    taskAligned: section('The assigner `task-aligned`: an object takes the locations of the largest σ^α · overlap^β.', {
      topk: count(10, 1, MAX_TOPK, 'Locations of each object, over all levels together.'),
      alpha: weight(0.5, "Exponent of the class's score."),
      beta: weight(6, 'Exponent of the overlap.'),
      overlap: choice(
        ['ciou', 'iou'],
        'Overlap of the object with the decoded box: CIoU (YOLOv8), or IoU (PP-YOLOE, PicoDet, YOLOv6).',
      ),
      masked: flag(
        true,
        'Whether overlaps count only inside the object (Ultralytics since 2023): it decides who gets a location that several claim.',
      ),
      smallTargets: flag(
        false,
        'Whether objects with a side below the first stride count as large as the second in the inside test (STAL).',
      ),
    }),
    dynamicSoftLabel: section('The assigner `dynamic-soft-label` (NanoDet-Plus).', {
      topk: count(13, 1, MAX_TOPK, "How many of the largest IoUs add up to an object's number of locations."),
      iouWeight: weight(3, 'Factor of −ln IoU in the cost.'),
    }),
    classification: section('The loss on every location and class, `loss_cls`.', {
      loss: choice(
        ['qfl', 'bce', 'varifocal'],
        'Quality focal loss, binary cross entropy with soft targets, or varifocal loss.',
      ),
      target: choice(
        ['iou', 'assigned'],
        "Target of a positive: the IoU of the student's own box, or the score that the assigner gives.",
      ),
      weight: weight(1, 'Of `loss_cls`.'),
      beta: weight(2, 'Exponent β of quality focal loss, or γ of varifocal loss.'),
      alpha: weight(0.75, 'Factor α of the negatives in varifocal loss.'),
      iouWeighted: flag(true, 'Whether varifocal loss weights a positive by its target.'),
      normaliser: choice(
        ['images', 'positives', 'scores', 'none'],
        'Divisor: positives, but at least 1 for each image; positives; sum of the target scores, at least 1; 1.',
      ),
      initial: choice(
        ['score', 'objects'],
        'Scores that a training starts from: 0.01 everywhere (GFocal), or those of 5 objects a level of 640² pixels (Ultralytics).',
      ),
    }),
    box: section('What the bins mean, and the loss on the decoded boxes of the positives, `loss_bbox`.', {
      parameters: choice(
        ['ltrb', 'offset'],
        'Bins mean distances to the edges in strides, or offsets from the anchor.',
      ),
      form: choice(
        ['giou', 'ciou', 'ciou-ultralytics'],
        "Loss of a decoded box: 1 − GIoU, 1 − CIoU, or 1 − CIoU with Ultralytics' ε.",
      ),
      weight: weight(2, 'Of `loss_bbox`.'),
      bounded: weight(
        0,
        "Pseudo-boxes: the box loss counts 1 + this where the student's box is worse than the teacher's, elsewhere 1 (Chen et al., NeurIPS 2017, eq. 5, with this box loss in place of the squared distance).",
      ),
      weights: choice(
        ['best-score', 'target-score'],
        "Weight of a positive in `loss_bbox` and `loss_dfl`: the student's best class score, or the target score.",
      ),
      normaliser: choice(
        ['weights', 'clamped-weights', 'positives', 'scores', 'none'],
        "Divisor of `loss_bbox` and `loss_dfl`: sum of the positives' weights; the same, at least 1; positives; sum of the target scores, at least 1; 1.",
      ),
    }),
    dfl: section('Distribution focal loss on the positives, `loss_dfl`; weighted and normalised as `box`.', {
      weight: weight(0.25, 'Of `loss_dfl`.'),
      margin: Type.Number({
        default: 0.1,
        exclusiveMinimum: 0,
        maximum: 1,
        description: 'Targets are at most the last bin minus this.',
      }),
    }),
    ld: section('Localization distillation: temperature KL over the bins of each edge.', {
      main: weight(0, "Weight λ of `loss_ld`, on the positives; the paper's is 0.25."),
      vlr: weight(0, "Weight λ of `loss_ld_vlr`, on the VLR; the paper's is 0.25."),
      temperature: positive(10, 'T, which softens both distributions.'),
      all: weight(
        0,
        "Weight of `loss_ld` on all locations in place of the positives; CrossKD's is 4, with T 1 and the sum over the bins.",
      ),
      reduction: choice(['mean', 'sum'], 'Of the KL over the bins of an edge.'),
      weights: choice(
        ['best-score', 'target-score', 'teacher-score', 'score-difference', 'decoupled', 'none'],
        "Weight of a positive: the student's best class score, the target score, the teacher's best class score, the largest difference of the two nets' scores of a class, or 1. Of all locations: the teacher's score, that difference, 1, or `decoupled`: the IoU of the student's box with its object for a positive, elsewhere the teacher's best class score (D-FINE).",
      ),
      normaliser: choice(
        ['reference', 'weights', 'scores', 'positives', 'images', 'decoupled', 'none'],
        "Divisor: 4 and, in the VLR, 16; 4 × the sum of the region's weights; 4 × the sum of the target scores, at least 1; 4 × the positives; 4 × the positives, but at least 1 for each image; `decoupled`: the mean of the P positives and that of the Q other locations, in the ratio √P : √Q (D-FINE); 1.",
      ),
    }),
    kd: section('Class distillation.', {
      main: weight(0, "Weight of `loss_kd`, on the positives; the paper's is 10."),
      vlr: weight(0, 'Weight of `loss_kd_neg`, on the VLR.'),
      all: weight(
        0,
        'Weight of `loss_kd` on all locations in place of the positives, with form `binary` or `focal-binary`; of BCKD and CrossKD 1.',
      ),
      temperature: positive(2, "T, which both nets' class logits are divided by."),
      form: choice(
        ['softmax', 'binary', 'focal-binary'],
        "KL over the classes together; of each class by itself, which says something of a single class, too; or binary cross-entropy to the teacher's score times the β-th power of the scores' difference, a sum over the classes (BCKD, CrossKD).",
      ),
      beta: weight(1, "Exponent β of `focal-binary`; PP-YOLOE's squared difference is 2."),
      normaliser: choice(
        ['level', 'region', 'positives', 'images', 'scores', 'none'],
        'Divisor: locations of the region on the level; on all levels; positives; positives, but at least 1 for each image; sum of the target scores, at least 1; 1.',
      ),
      needsPositives: flag(false, 'Whether a level without positives distils no classes, as in the code of BCKD.'),
      weightPer: choice(
        ['location', 'classes'],
        'Whether the weights are as they are, or times classes / 80, so that of the forms `softmax` and `binary`, which are means over the classes, a weight found on the 80 classes of COCO means as much for each class. No matter for `focal-binary`.',
      ),
    }),
    iouLd: section(
      "IoU distillation, `loss_ld_iou`: the box loss of the student's decoded box against the teacher's (BCKD). It needs no distributions. A box with a negative side, as heads of one bin may give it, counts for nothing.",
      {
        weight: weight(0, "Of `loss_ld_iou`; BCKD's is 4."),
        region: choice(['all', 'main'], 'All locations, or the positives.'),
        form: choice(['giou', 'ciou', 'ciou-ultralytics'], 'Loss of a decoded box, as of `box`.'),
        weights: choice(
          ['score-difference', 'teacher-score', 'target-score', 'none'],
          "Weight of a location: the largest difference of the two nets' scores of a class, the teacher's best class score, the target score (of positives alone), or 1.",
        ),
        normaliser: choice(
          ['images', 'positives', 'scores', 'weights', 'none'],
          "Divisor: positives, but at least 1 for each image; positives; sum of the target scores, at least 1; sum of the region's weights; 1.",
        ),
        needsPositives: flag(false, 'Whether a level without positives distils no boxes, as in the code of BCKD.'),
      },
    ),
    cross: section(
      "CrossKD: `kd`, `ld` and `iouLd` compare the teacher with what its own head makes of the student's features, and the student's own predictions learn from the objects alone.",
      {
        convolutions: count(
          0,
          0,
          8,
          "Convolutions of the teacher's towers that the student's features pass, before its predictions; 1 in the paper, 0: off.",
        ),
      },
    ),
    imitation: section('Comparison of features, `loss_im`.', {
      method: choice(
        [
          'none',
          'whole',
          'inside',
          'main',
          'finegrained',
          'decouple',
          'gibox',
          'gibox-image',
          'cwd',
          'pkd',
          'score-weighted',
        ],
        "Mean squared error in a region: those of `imitationRegion`, and general instances over the batch or by image. Or everywhere: channel-wise distillation, PKD, or squared differences weighted by the teacher's best class score.",
        'ImitationMethod',
      ),
      weight: weight(0, 'Of `loss_im`.'),
      background: weight(2, 'Of `decouple`: how many times the background counts, the foreground counting once.'),
      needsPositives: flag(
        true,
        'Of regions: whether a level without positives imitates nothing, as in the reference implementation.',
      ),
      temperature: positive(1, "Of `cwd`: τ, which both nets' features are divided by."),
      norm: choice(
        ['none', 'batch'],
        "Whether each channel of both nets' features is first brought to mean 0 and variance 1 over the images and locations of a level, as by batch norm without parameters (RTMDet, DAMO-YOLO).",
      ),
      projector: choice(
        ['auto', 'linear', 'two-layer'],
        "What a training brings the student's features to the teacher's width by: a 1×1 convolution for all levels where the widths differ; one for each level; two for each level with ReLU between them (Ultralytics).",
      ),
    }),
    distillation: section('Factor of every distillation term over a training, by step.', {
      schedule: choice(['constant', 'cosine'], 'Always 1, or half a cosine from 1 to `end` (YOLOv6, DAMO-YOLO).'),
      end: fraction(0.01, 'Of `cosine`: the last factor; 0.01 in YOLOv6, 0.1 in DAMO-YOLO.'),
      warmup: fraction(0, 'Share of the training over which the factor rises from 0.'),
      off: fraction(0, 'Share of the training, at its end, without distillation; 20 of 300 epochs in RTMDet.'),
    }),
    scale: choice(
      ['none', 'batch'],
      'Factor of every term and gradient: 1, or the number of images in the batch (Ultralytics).',
    ),
  },
  {
    title: 'Recipe',
    description:
      'Everything that a head loss can be told: weights, temperatures, regions and normalisers of every term. Plain JSON. Numbers are weights unless said otherwise; 0 switches a term off.',
    additionalProperties: false,
  },
);
