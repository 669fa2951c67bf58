// Written by scripts/wgslConstants.js (`npm run build`); not by hand.
// A WGSL module with its includes expanded, in parts that kernels share, and the constants of the file itself.
declare module '*/shaders/detector/decode.wgsl' {
  const source: readonly import('./gpu/wgsl.js').WgslPart[];
  export default source;
  export const constants: {
    readonly INFINITY: number;
    readonly MINUS_INFINITY: number;
  };
}
declare module '*/shaders/lib/bins.wgsl' {
  const source: readonly import('./gpu/wgsl.js').WgslPart[];
  export default source;
  export const constants: {
    readonly MAX_BINS: number;
  };
}
declare module '*/shaders/lib/overlap.wgsl' {
  const source: readonly import('./gpu/wgsl.js').WgslPart[];
  export default source;
  export const constants: {
    readonly BOX_EPSILON: number;
  };
}
declare module '*/shaders/lib/teacher_cells.wgsl' {
  const source: readonly import('./gpu/wgsl.js').WgslPart[];
  export default source;
  export const constants: {
    readonly CELL_ROUNDING: number;
  };
}
declare module '*/shaders/losses/decoupled_weights.wgsl' {
  const source: readonly import('./gpu/wgsl.js').WgslPart[];
  export default source;
  export const constants: {
    readonly SIZE: number;
  };
}
declare module '*/shaders/losses/head_boxes_all.wgsl' {
  const source: readonly import('./gpu/wgsl.js').WgslPart[];
  export default source;
  export const constants: {
    readonly WEIGHTS: number;
  };
}
declare module '*/shaders/losses/head_class.wgsl' {
  const source: readonly import('./gpu/wgsl.js').WgslPart[];
  export default source;
  export const constants: {
    readonly WEIGHT_BEST_SCORE: number;
    readonly WEIGHT_TARGET_SCORE: number;
    readonly WEIGHT_TEACHER_SCORE: number;
    readonly WEIGHT_NONE: number;
    readonly WEIGHT_DIFFERENCE: number;
  };
}
declare module '*/shaders/losses/head_coded.wgsl' {
  const source: readonly import('./gpu/wgsl.js').WgslPart[];
  export default source;
  export const constants: {
    readonly BAD: number;
  };
}
declare module '*/shaders/losses/head_factors.wgsl' {
  const source: readonly import('./gpu/wgsl.js').WgslPart[];
  export default source;
  export const constants: {
    readonly LOCATION_KINDS: number;
    readonly KINDS: number;
  };
}
declare module '*/shaders/losses/head_lesson.wgsl' {
  const source: readonly import('./gpu/wgsl.js').WgslPart[];
  export default source;
  export const constants: {
    readonly WEIGHT_DIFFERENCE: number;
    readonly WEIGHT_TEACHER: number;
    readonly WEIGHTS: number;
  };
}
declare module '*/shaders/losses/head_normaliser.wgsl' {
  const source: readonly import('./gpu/wgsl.js').WgslPart[];
  export default source;
  export const constants: {
    readonly NORMALISER_NONE: number;
    readonly NORMALISER_IMAGES: number;
    readonly NORMALISER_POSITIVES: number;
    readonly NORMALISER_SCORES: number;
    readonly NORMALISER_WEIGHTS: number;
    readonly NORMALISER_CLAMPED_WEIGHTS: number;
    readonly NORMALISER_REGION: number;
    readonly NORMALISER_LEVEL: number;
    readonly NORMALISER_DIFFERENCES: number;
    readonly NORMALISER_TEACHER_SCORES: number;
    readonly NORMALISER_DECOUPLED: number;
    readonly EPSILON: number;
  };
}
declare module '*/shaders/losses/head_records.wgsl' {
  const source: readonly import('./gpu/wgsl.js').WgslPart[];
  export default source;
  export const constants: {
    readonly RECORD_BITS: number;
    readonly OTHER: number;
    readonly OTHER_LD: number;
    readonly OTHER_KD: number;
  };
}
declare module '*/shaders/losses/head_share.wgsl' {
  const source: readonly import('./gpu/wgsl.js').WgslPart[];
  export default source;
  export const constants: {
    readonly ROWS: number;
  };
}
declare module '*/shaders/losses/head_stream_sum.wgsl' {
  const source: readonly import('./gpu/wgsl.js').WgslPart[];
  export default source;
  export const constants: {
    readonly SIZE: number;
    readonly SUM_CLASS: number;
    readonly SUM_KD: number;
    readonly SUM_WEIGHTS: number;
    readonly SUMS: number;
  };
}
declare module '*/shaders/losses/head_term_sums.wgsl' {
  const source: readonly import('./gpu/wgsl.js').WgslPart[];
  export default source;
  export const constants: {
    readonly SIZE: number;
    readonly SOURCE_STREAM: number;
    readonly SOURCE_EVERYWHERE: number;
    readonly SOURCE_IMITATION: number;
    readonly SOURCE_IMAGES: number;
  };
}
declare module '*/shaders/losses/imitation_factors.wgsl' {
  const source: readonly import('./gpu/wgsl.js').WgslPart[];
  export default source;
  export const constants: {
    readonly SIZE: number;
  };
}
declare module '*/shaders/losses/localization_row.wgsl' {
  const source: readonly import('./gpu/wgsl.js').WgslPart[];
  export default source;
  export const constants: {
    readonly LN2: number;
  };
}
declare module '*/shaders/losses/localization_sum.wgsl' {
  const source: readonly import('./gpu/wgsl.js').WgslPart[];
  export default source;
  export const constants: {
    readonly SIZE: number;
  };
}
declare module '*/shaders/losses/reduce.wgsl' {
  const source: readonly import('./gpu/wgsl.js').WgslPart[];
  export default source;
  export const constants: {
    readonly SIZE: number;
  };
}
declare module '*/shaders/losses/score_factors.wgsl' {
  const source: readonly import('./gpu/wgsl.js').WgslPart[];
  export default source;
  export const constants: {
    readonly EPSILON: number;
    readonly SIZE: number;
  };
}
declare module '*/shaders/losses/terms.generated.wgsl' {
  const source: readonly import('./gpu/wgsl.js').WgslPart[];
  export default source;
  export const constants: {
    readonly TERM_CLS: number;
    readonly TERM_BBOX: number;
    readonly TERM_DFL: number;
    readonly TERM_LD: number;
    readonly TERM_LD_VLR: number;
    readonly TERM_KD: number;
    readonly TERM_KD_NEG: number;
    readonly TERM_LD_IOU: number;
    readonly TERM_IM: number;
    readonly TERMS: number;
    readonly RECORDED: number;
    readonly DISTILLATION_TERMS: number;
    readonly VLR_TERMS: number;
  };
}
declare module '*/shaders/losses/terms/edges_rebinned.wgsl' {
  const source: readonly import('./gpu/wgsl.js').WgslPart[];
  export default source;
  export const constants: {
    readonly LEAST_SHARE: number;
  };
}
declare module '*/shaders/losses/terms/ld_rebinned.wgsl' {
  const source: readonly import('./gpu/wgsl.js').WgslPart[];
  export default source;
  export const constants: {
    readonly LEAST_SHARE: number;
  };
}
declare module '*/shaders/ops/align_rows.wgsl' {
  const source: readonly import('./gpu/wgsl.js').WgslPart[];
  export default source;
  export const constants: {
    readonly TURNS: number;
  };
}
declare module '*/shaders/ops/conv2d_weight_gradient_body.wgsl' {
  const source: readonly import('./gpu/wgsl.js').WgslPart[];
  export default source;
  export const constants: {
    readonly ROWS: number;
  };
}
declare module '*/shaders/ops/convolution_tiles.wgsl' {
  const source: readonly import('./gpu/wgsl.js').WgslPart[];
  export default source;
  export const constants: {
    readonly STEP: number;
  };
}
declare module '*/shaders/ops/depthwise.wgsl' {
  const source: readonly import('./gpu/wgsl.js').WgslPart[];
  export default source;
  export const constants: {
    readonly ROWS: number;
  };
}
declare module '*/shaders/ops/elements_quads.wgsl' {
  const source: readonly import('./gpu/wgsl.js').WgslPart[];
  export default source;
  export const constants: {
    readonly ELEMENT_SIZE: number;
  };
}
declare module '*/shaders/ops/elements_single.wgsl' {
  const source: readonly import('./gpu/wgsl.js').WgslPart[];
  export default source;
  export const constants: {
    readonly ELEMENT_SIZE: number;
  };
}
declare module '*/shaders/ops/every_second.wgsl' {
  const source: readonly import('./gpu/wgsl.js').WgslPart[];
  export default source;
  export const constants: {
    readonly TURNS: number;
  };
}
declare module '*/shaders/ops/matrices.wgsl' {
  const source: readonly import('./gpu/wgsl.js').WgslPart[];
  export default source;
  export const constants: {
    readonly TILE: number;
    readonly EDGE: number;
    readonly STEP: number;
  };
}
declare module '*/shaders/ops/pointwise_weight_gradient_body.wgsl' {
  const source: readonly import('./gpu/wgsl.js').WgslPart[];
  export default source;
  export const constants: {
    readonly STRIP: number;
  };
}
declare module '*/shaders/ops/weight_gradient_tiles.wgsl' {
  const source: readonly import('./gpu/wgsl.js').WgslPart[];
  export default source;
  export const constants: {
    readonly STEP: number;
  };
}
declare module '*/shaders/ops/winograd.wgsl' {
  const source: readonly import('./gpu/wgsl.js').WgslPart[];
  export default source;
  export const constants: {
    readonly STEP: number;
    readonly TILES: number;
    readonly CHANNELS: number;
  };
}
declare module '*/shaders/regions/append.wgsl' {
  const source: readonly import('./gpu/wgsl.js').WgslPart[];
  export default source;
  export const constants: {
    readonly CELLS: number;
  };
}
declare module '*/shaders/regions/atss_candidates.wgsl' {
  const source: readonly import('./gpu/wgsl.js').WgslPart[];
  export default source;
  export const constants: {
    readonly MAX_TOPK: number;
    readonly MAX_LEVELS: number;
    readonly NONE: number;
    readonly IGNORED_DISTANCE: number;
    readonly INSIDE_MARGIN: number;
  };
}
declare module '*/shaders/regions/best_lists.wgsl' {
  const source: readonly import('./gpu/wgsl.js').WgslPart[];
  export default source;
  export const constants: {
    readonly LANES: number;
    readonly MAX_BEST: number;
    readonly NO_KEY: number;
  };
}
declare module '*/shaders/regions/claims.wgsl' {
  const source: readonly import('./gpu/wgsl.js').WgslPart[];
  export default source;
  export const constants: {
    readonly PARTS: number;
  };
}
declare module '*/shaders/regions/dynamic_soft_label_choose.wgsl' {
  const source: readonly import('./gpu/wgsl.js').WgslPart[];
  export default source;
  export const constants: {
    readonly NO_COST: number;
  };
}
declare module '*/shaders/regions/gi_best.wgsl' {
  const source: readonly import('./gpu/wgsl.js').WgslPart[];
  export default source;
  export const constants: {
    readonly SIZE: number;
    readonly INSTANCES: number;
    readonly SUPPRESSION_IOU: number;
    readonly NONE: number;
  };
}
declare module '*/shaders/regions/gi_select_round.wgsl' {
  const source: readonly import('./gpu/wgsl.js').WgslPart[];
  export default source;
  export const constants: {
    readonly PART: number;
  };
}
declare module '*/shaders/regions/given_parts.wgsl' {
  const source: readonly import('./gpu/wgsl.js').WgslPart[];
  export default source;
  export const constants: {
    readonly SIZE: number;
    readonly COUNT: number;
    readonly PLACE: number;
  };
}
declare module '*/shaders/regions/given_samples.wgsl' {
  const source: readonly import('./gpu/wgsl.js').WgslPart[];
  export default source;
  export const constants: {
    readonly SIZE: number;
  };
}
declare module '*/shaders/regions/given_targets.wgsl' {
  const source: readonly import('./gpu/wgsl.js').WgslPart[];
  export default source;
  export const constants: {
    readonly SIZE: number;
  };
}
declare module '*/shaders/regions/imitation_region.wgsl' {
  const source: readonly import('./gpu/wgsl.js').WgslPart[];
  export default source;
  export const constants: {
    readonly WHOLE: number;
    readonly EMPTY: number;
    readonly MAIN: number;
  };
}
declare module '*/shaders/regions/imitation_windows.wgsl' {
  const source: readonly import('./gpu/wgsl.js').WgslPart[];
  export default source;
  export const constants: {
    readonly SIZE: number;
    readonly ONE_BITS: number;
  };
}
declare module '*/shaders/regions/list_objects.wgsl' {
  const source: readonly import('./gpu/wgsl.js').WgslPart[];
  export default source;
  export const constants: {
    readonly CLAIM: number;
    readonly COUNT: number;
    readonly PLACE: number;
    readonly SIZE: number;
    readonly FIRST_POSITIVE: number;
    readonly FIRST_MEMBER: number;
  };
}
declare module '*/shaders/regions/list_samples.wgsl' {
  const source: readonly import('./gpu/wgsl.js').WgslPart[];
  export default source;
  export const constants: {
    readonly SIZE: number;
  };
}
declare module '*/shaders/regions/list_sums.wgsl' {
  const source: readonly import('./gpu/wgsl.js').WgslPart[];
  export default source;
  export const constants: {
    readonly LANES: number;
  };
}
declare module '*/shaders/regions/overlap_scores.wgsl' {
  const source: readonly import('./gpu/wgsl.js').WgslPart[];
  export default source;
  export const constants: {
    readonly WHOLE: number;
    readonly SCORE: number;
    readonly SUM: number;
  };
}
declare module '*/shaders/regions/sample.wgsl' {
  const source: readonly import('./gpu/wgsl.js').WgslPart[];
  export default source;
  export const constants: {
    readonly BACKGROUND: number;
    readonly IGNORED: number;
    readonly NONE: number;
    readonly CONTESTED: number;
    readonly COUNT_POSITIVES: number;
    readonly COUNT_SAMPLES: number;
    readonly COUNT_VLR_WEIGHT: number;
    readonly COUNT_SCORES: number;
    readonly COUNT_LEVEL_POSITIVES: number;
    readonly COUNT_LEVEL_VLR: number;
    readonly COUNTS: number;
    readonly TABLE_IGNORED: number;
  };
}
declare module '*/shaders/regions/score_sum.wgsl' {
  const source: readonly import('./gpu/wgsl.js').WgslPart[];
  export default source;
  export const constants: {
    readonly LANES: number;
  };
}
declare module '*/shaders/regions/task_aligned_scores.wgsl' {
  const source: readonly import('./gpu/wgsl.js').WgslPart[];
  export default source;
  export const constants: {
    readonly METRIC_EPSILON: number;
  };
}
declare module '*/shaders/regions/task_metric.wgsl' {
  const source: readonly import('./gpu/wgsl.js').WgslPart[];
  export default source;
  export const constants: {
    readonly NO_METRIC: number;
  };
}
declare module '*/shaders/regions/task_overlap.wgsl' {
  const source: readonly import('./gpu/wgsl.js').WgslPart[];
  export default source;
  export const constants: {
    readonly OVERLAP_EPSILON: number;
  };
}
declare module '*/shaders/regions/task_reach.wgsl' {
  const source: readonly import('./gpu/wgsl.js').WgslPart[];
  export default source;
  export const constants: {
    readonly REACH_MARGIN: number;
  };
}
declare module '*/shaders/train/clip.wgsl' {
  const source: readonly import('./gpu/wgsl.js').WgslPart[];
  export default source;
  export const constants: {
    readonly LANES: number;
  };
}
declare module '*/shaders/train/loss_scale.wgsl' {
  const source: readonly import('./gpu/wgsl.js').WgslPart[];
  export default source;
  export const constants: {
    readonly LEAST: number;
    readonly MOST: number;
    readonly PATIENCE: number;
  };
}
declare module '*.wgsl' {
  const source: readonly import('./gpu/wgsl.js').WgslPart[];
  export default source;
}
