// Made of recipe.schema.ts by `npm run schemas`; not to be edited.

/**
 * Mean squared error in a region: those of `imitationRegion`, and general instances over the batch or by image. Or
 * everywhere: channel-wise distillation, PKD, or squared differences weighted by the teacher's best class score.
 */
export type ImitationMethod = 'none' | 'whole' | 'inside' | 'main' | 'finegrained' | 'decouple' | 'gibox' | 'gibox-image' | 'cwd' | 'pkd' | 'score-weighted';

/**
 * Everything that a head loss can be told: weights, temperatures, regions and normalisers of every term. Plain JSON.
 * Numbers are weights unless said otherwise; 0 switches a term off.
 */
export interface Recipe {
  /** In messages, tables and the run's folder; `custom` where a recipe of yours has none. Default 'gfocal'. */
  name: string;
  /** Which locations learn what. */
  regions: {
    /**
     * What gives objects to locations: ATSS (GFocal, LD), task-aligned (YOLOv8 to 12, PP-YOLOE), dynamic soft labels
     * (NanoDet-Plus), or the caller. Default 'atss'.
     */
    assigner: 'atss' | 'task-aligned' | 'dynamic-soft-label' | 'given';
    /**
     * Epochs that a training begins with ATSS, before the assigner; fewer than it has. Whole, 0 to 1000000; default 0.
     */
    switchAfter: number;
    /** Candidates of each object on each level (ATSS). Whole, 1 to 32; default 9. */
    topk: number;
    /** Side of the anchor in strides. Above 0; default 8. */
    octaveScale: number;
    /** Where in its cell a location is: 0 corner (GFocal), 0.5 middle (YOLOv8). 0 to 1; default 0. */
    centreOffset: number;
    /** Anchors that crowds cover by more than this share are not negatives; below 0: off. Up to 1; default -1. */
    ignoreIofThreshold: number;
    /**
     * Form of the valuable localization region: the paper's DIoU, the reference code's IoF − ρ²/c², or no such region.
     * Default 'paper'.
     */
    vlr: 'paper' | 'reference' | 'none';
    /**
     * Lower end of the VLR, as a share of ATSS's threshold (Algorithm 1); 1: empty, 0: largest. 0 to 1; default 0.25.
     */
    gamma: number;
  };
  /** The assigner `task-aligned`: an object takes the locations of the largest σ^α · overlap^β. */
  taskAligned: {
    /** Locations of each object, over all levels together. Whole, 1 to 32; default 10. */
    topk: number;
    /** Exponent of the class's score. 0 or more; default 0.5. */
    alpha: number;
    /** Exponent of the overlap. 0 or more; default 6. */
    beta: number;
    /**
     * Overlap of the object with the decoded box: CIoU (YOLOv8), or IoU (PP-YOLOE, PicoDet, YOLOv6). Default 'ciou'.
     */
    overlap: 'ciou' | 'iou';
    /**
     * Whether overlaps count only inside the object (Ultralytics since 2023): it decides who gets a location that
     * several claim. Default true.
     */
    masked: boolean;
    /**
     * Whether objects with a side below the first stride count as large as the second in the inside test (STAL).
     * Default false.
     */
    smallTargets: boolean;
  };
  /** The assigner `dynamic-soft-label` (NanoDet-Plus). */
  dynamicSoftLabel: {
    /** How many of the largest IoUs add up to an object's number of locations. Whole, 1 to 32; default 13. */
    topk: number;
    /** Factor of −ln IoU in the cost. 0 or more; default 3. */
    iouWeight: number;
  };
  /** The loss on every location and class, `loss_cls`. */
  classification: {
    /** Quality focal loss, binary cross entropy with soft targets, or varifocal loss. Default 'qfl'. */
    loss: 'qfl' | 'bce' | 'varifocal';
    /** Target of a positive: the IoU of the student's own box, or the score that the assigner gives. Default 'iou'. */
    target: 'iou' | 'assigned';
    /** Of `loss_cls`. 0 or more; default 1. */
    weight: number;
    /** Exponent β of quality focal loss, or γ of varifocal loss. 0 or more; default 2. */
    beta: number;
    /** Factor α of the negatives in varifocal loss. 0 or more; default 0.75. */
    alpha: number;
    /** Whether varifocal loss weights a positive by its target. Default true. */
    iouWeighted: boolean;
    /**
     * Divisor: positives, but at least 1 for each image; positives; sum of the target scores, at least 1; 1. Default
     * 'images'.
     */
    normaliser: 'images' | 'positives' | 'scores' | 'none';
    /**
     * Scores that a training starts from: 0.01 everywhere (GFocal), or those of 5 objects a level of 640² pixels
     * (Ultralytics). Default 'score'.
     */
    initial: 'score' | 'objects';
  };
  /** What the bins mean, and the loss on the decoded boxes of the positives, `loss_bbox`. */
  box: {
    /** Bins mean distances to the edges in strides, or offsets from the anchor. Default 'ltrb'. */
    parameters: 'ltrb' | 'offset';
    /** Loss of a decoded box: 1 − GIoU, 1 − CIoU, or 1 − CIoU with Ultralytics' ε. Default 'giou'. */
    form: 'giou' | 'ciou' | 'ciou-ultralytics';
    /** Of `loss_bbox`. 0 or more; default 2. */
    weight: number;
    /**
     * Pseudo-boxes: the box loss counts 1 + this where the student's box is worse than the teacher's, elsewhere 1 (Chen
     * et al., NeurIPS 2017, eq. 5, with this box loss in place of the squared distance). 0 or more; default 0.
     */
    bounded: number;
    /**
     * Weight of a positive in `loss_bbox` and `loss_dfl`: the student's best class score, or the target score. Default
     * 'best-score'.
     */
    weights: 'best-score' | 'target-score';
    /**
     * Divisor of `loss_bbox` and `loss_dfl`: sum of the positives' weights; the same, at least 1; positives; sum of the
     * target scores, at least 1; 1. Default 'weights'.
     */
    normaliser: 'weights' | 'clamped-weights' | 'positives' | 'scores' | 'none';
  };
  /** Distribution focal loss on the positives, `loss_dfl`; weighted and normalised as `box`. */
  dfl: {
    /** Of `loss_dfl`. 0 or more; default 0.25. */
    weight: number;
    /** Targets are at most the last bin minus this. Above 0, up to 1; default 0.1. */
    margin: number;
  };
  /** Localization distillation: temperature KL over the bins of each edge. */
  ld: {
    /** Weight λ of `loss_ld`, on the positives; the paper's is 0.25. 0 or more; default 0. */
    main: number;
    /** Weight λ of `loss_ld_vlr`, on the VLR; the paper's is 0.25. 0 or more; default 0. */
    vlr: number;
    /** T, which softens both distributions. Above 0; default 10. */
    temperature: number;
    /**
     * Weight of `loss_ld` on all locations in place of the positives; CrossKD's is 4, with T 1 and the sum over the
     * bins. 0 or more; default 0.
     */
    all: number;
    /** Of the KL over the bins of an edge. Default 'mean'. */
    reduction: 'mean' | 'sum';
    /**
     * Weight of a positive: the student's best class score, the target score, the teacher's best class score, the
     * largest difference of the two nets' scores of a class, or 1. Of all locations: the teacher's score, that
     * difference, 1, or `decoupled`: the IoU of the student's box with its object for a positive, elsewhere the
     * teacher's best class score (D-FINE). Default 'best-score'.
     */
    weights: 'best-score' | 'target-score' | 'teacher-score' | 'score-difference' | 'decoupled' | 'none';
    /**
     * Divisor: 4 and, in the VLR, 16; 4 × the sum of the region's weights; 4 × the sum of the target scores, at least
     * 1; 4 × the positives; 4 × the positives, but at least 1 for each image; `decoupled`: the mean of the P positives
     * and that of the Q other locations, in the ratio √P : √Q (D-FINE); 1. Default 'reference'.
     */
    normaliser: 'reference' | 'weights' | 'scores' | 'positives' | 'images' | 'decoupled' | 'none';
  };
  /** Class distillation. */
  kd: {
    /** Weight of `loss_kd`, on the positives; the paper's is 10. 0 or more; default 0. */
    main: number;
    /** Weight of `loss_kd_neg`, on the VLR. 0 or more; default 0. */
    vlr: number;
    /**
     * Weight of `loss_kd` on all locations in place of the positives, with form `binary` or `focal-binary`; of BCKD and
     * CrossKD 1. 0 or more; default 0.
     */
    all: number;
    /** T, which both nets' class logits are divided by. Above 0; default 2. */
    temperature: number;
    /**
     * KL over the classes together; of each class by itself, which says something of a single class, too; or binary
     * cross-entropy to the teacher's score times the β-th power of the scores' difference, a sum over the classes
     * (BCKD, CrossKD). Default 'softmax'.
     */
    form: 'softmax' | 'binary' | 'focal-binary';
    /** Exponent β of `focal-binary`; PP-YOLOE's squared difference is 2. 0 or more; default 1. */
    beta: number;
    /**
     * Divisor: locations of the region on the level; on all levels; positives; positives, but at least 1 for each
     * image; sum of the target scores, at least 1; 1. Default 'level'.
     */
    normaliser: 'level' | 'region' | 'positives' | 'images' | 'scores' | 'none';
    /** Whether a level without positives distils no classes, as in the code of BCKD. Default false. */
    needsPositives: boolean;
    /**
     * Whether the weights are as they are, or times classes / 80, so that of the forms `softmax` and `binary`, which
     * are means over the classes, a weight found on the 80 classes of COCO means as much for each class. No matter for
     * `focal-binary`. Default 'location'.
     */
    weightPer: 'location' | 'classes';
  };
  /**
   * IoU distillation, `loss_ld_iou`: the box loss of the student's decoded box against the teacher's (BCKD). It needs
   * no distributions. A box with a negative side, as heads of one bin may give it, counts for nothing.
   */
  iouLd: {
    /** Of `loss_ld_iou`; BCKD's is 4. 0 or more; default 0. */
    weight: number;
    /** All locations, or the positives. Default 'all'. */
    region: 'all' | 'main';
    /** Loss of a decoded box, as of `box`. Default 'giou'. */
    form: 'giou' | 'ciou' | 'ciou-ultralytics';
    /**
     * Weight of a location: the largest difference of the two nets' scores of a class, the teacher's best class score,
     * the target score (of positives alone), or 1. Default 'score-difference'.
     */
    weights: 'score-difference' | 'teacher-score' | 'target-score' | 'none';
    /**
     * Divisor: positives, but at least 1 for each image; positives; sum of the target scores, at least 1; sum of the
     * region's weights; 1. Default 'images'.
     */
    normaliser: 'images' | 'positives' | 'scores' | 'weights' | 'none';
    /** Whether a level without positives distils no boxes, as in the code of BCKD. Default false. */
    needsPositives: boolean;
  };
  /**
   * CrossKD: `kd`, `ld` and `iouLd` compare the teacher with what its own head makes of the student's features, and the
   * student's own predictions learn from the objects alone.
   */
  cross: {
    /**
     * Convolutions of the teacher's towers that the student's features pass, before its predictions; 1 in the paper, 0:
     * off. Whole, 0 to 8; default 0.
     */
    convolutions: number;
  };
  /** Comparison of features, `loss_im`. */
  imitation: {
    /**
     * Mean squared error in a region: those of `imitationRegion`, and general instances over the batch or by image. Or
     * everywhere: channel-wise distillation, PKD, or squared differences weighted by the teacher's best class score.
     * Default 'none'.
     */
    method: ImitationMethod;
    /** Of `loss_im`. 0 or more; default 0. */
    weight: number;
    /** Of `decouple`: how many times the background counts, the foreground counting once. 0 or more; default 2. */
    background: number;
    /**
     * Of regions: whether a level without positives imitates nothing, as in the reference implementation. Default true.
     */
    needsPositives: boolean;
    /** Of `cwd`: τ, which both nets' features are divided by. Above 0; default 1. */
    temperature: number;
    /**
     * Whether each channel of both nets' features is first brought to mean 0 and variance 1 over the images and
     * locations of a level, as by batch norm without parameters (RTMDet, DAMO-YOLO). Default 'none'.
     */
    norm: 'none' | 'batch';
    /**
     * What a training brings the student's features to the teacher's width by: a 1×1 convolution for all levels where
     * the widths differ; one for each level; two for each level with ReLU between them (Ultralytics). Default 'auto'.
     */
    projector: 'auto' | 'linear' | 'two-layer';
  };
  /** Factor of every distillation term over a training, by step. */
  distillation: {
    /** Always 1, or half a cosine from 1 to `end` (YOLOv6, DAMO-YOLO). Default 'constant'. */
    schedule: 'constant' | 'cosine';
    /** Of `cosine`: the last factor; 0.01 in YOLOv6, 0.1 in DAMO-YOLO. 0 to 1; default 0.01. */
    end: number;
    /** Share of the training over which the factor rises from 0. 0 to 1; default 0. */
    warmup: number;
    /** Share of the training, at its end, without distillation; 20 of 300 epochs in RTMDet. 0 to 1; default 0. */
    off: number;
  };
  /** Factor of every term and gradient: 1, or the number of images in the batch (Ultralytics). Default 'none'. */
  scale: 'none' | 'batch';
}

/** The default of every field. */
export const RECIPE_DEFAULTS: Recipe = {
  name: 'gfocal',
  regions: {
    assigner: 'atss',
    switchAfter: 0,
    topk: 9,
    octaveScale: 8,
    centreOffset: 0,
    ignoreIofThreshold: -1,
    vlr: 'paper',
    gamma: 0.25,
  },
  taskAligned: {
    topk: 10,
    alpha: 0.5,
    beta: 6,
    overlap: 'ciou',
    masked: true,
    smallTargets: false,
  },
  dynamicSoftLabel: {
    topk: 13,
    iouWeight: 3,
  },
  classification: {
    loss: 'qfl',
    target: 'iou',
    weight: 1,
    beta: 2,
    alpha: 0.75,
    iouWeighted: true,
    normaliser: 'images',
    initial: 'score',
  },
  box: {
    parameters: 'ltrb',
    form: 'giou',
    weight: 2,
    bounded: 0,
    weights: 'best-score',
    normaliser: 'weights',
  },
  dfl: {
    weight: 0.25,
    margin: 0.1,
  },
  ld: {
    main: 0,
    vlr: 0,
    temperature: 10,
    all: 0,
    reduction: 'mean',
    weights: 'best-score',
    normaliser: 'reference',
  },
  kd: {
    main: 0,
    vlr: 0,
    all: 0,
    temperature: 2,
    form: 'softmax',
    beta: 1,
    normaliser: 'level',
    needsPositives: false,
    weightPer: 'location',
  },
  iouLd: {
    weight: 0,
    region: 'all',
    form: 'giou',
    weights: 'score-difference',
    normaliser: 'images',
    needsPositives: false,
  },
  cross: {
    convolutions: 0,
  },
  imitation: {
    method: 'none',
    weight: 0,
    background: 2,
    needsPositives: true,
    temperature: 1,
    norm: 'none',
    projector: 'auto',
  },
  distillation: {
    schedule: 'constant',
    end: 0.01,
    warmup: 0,
    off: 0,
  },
  scale: 'none',
};
