// Written by scripts/wgslConstants.js (`npm run build`); not by hand.
// A WGSL module with its includes expanded, in parts that kernels share, and the constants of the file itself.
declare module '*/shaders/detector/decode.wgsl' {
  const source: readonly string[];
  export default source;
  export const constants: {
    readonly INFINITY: number;
    readonly MINUS_INFINITY: number;
  };
}
declare module '*/shaders/lib/bins.wgsl' {
  const source: readonly string[];
  export default source;
  export const constants: {
    readonly MAX_BINS: number;
  };
}
declare module '*/shaders/lib/giou.wgsl' {
  const source: readonly string[];
  export default source;
  export const constants: {
    readonly BOX_EPSILON: number;
  };
}
declare module '*/shaders/losses/head_append.wgsl' {
  const source: readonly string[];
  export default source;
  export const constants: {
    readonly SIZE: number;
  };
}
declare module '*/shaders/losses/head_coded.wgsl' {
  const source: readonly string[];
  export default source;
  export const constants: {
    readonly BAD: number;
  };
}
declare module '*/shaders/losses/head_cut_gather.wgsl' {
  const source: readonly string[];
  export default source;
  export const constants: {
    readonly CHANNELS: number;
  };
}
declare module '*/shaders/losses/head_cut_matrix.wgsl' {
  const source: readonly string[];
  export default source;
  export const constants: {
    readonly BLOCK: number;
    readonly COLUMNS: number;
  };
}
declare module '*/shaders/losses/head_cut_sum.wgsl' {
  const source: readonly string[];
  export default source;
  export const constants: {
    readonly BLOCK: number;
  };
}
declare module '*/shaders/losses/head_factors.wgsl' {
  const source: readonly string[];
  export default source;
  export const constants: {
    readonly EPSILON: number;
  };
}
declare module '*/shaders/losses/head_records.wgsl' {
  const source: readonly string[];
  export default source;
  export const constants: {
    readonly RECORD: number;
    readonly RECORD_QFL: number;
    readonly RECORD_BOX: number;
    readonly RECORD_DFL: number;
    readonly RECORD_LD: number;
    readonly RECORD_LD_VLR: number;
    readonly RECORD_KD: number;
    readonly RECORD_KD_VLR: number;
    readonly RECORD_LOSSES: number;
  };
}
declare module '*/shaders/losses/head_row.wgsl' {
  const source: readonly string[];
  export default source;
  export const constants: {
    readonly BACKGROUND: number;
    readonly IGNORED: number;
    readonly NONE: number;
    readonly COUNT_POSITIVES: number;
    readonly COUNT_ROWS: number;
    readonly COUNT_VLR_WEIGHT: number;
    readonly COUNT_LEVEL_POSITIVES: number;
    readonly COUNT_LEVEL_VLR: number;
    readonly COUNTS: number;
    readonly TABLE_IGNORED: number;
  };
}
declare module '*/shaders/losses/head_share.wgsl' {
  const source: readonly string[];
  export default source;
  export const constants: {
    readonly ROWS: number;
  };
}
declare module '*/shaders/losses/head_stream_sum.wgsl' {
  const source: readonly string[];
  export default source;
  export const constants: {
    readonly SIZE: number;
  };
}
declare module '*/shaders/losses/head_terms.wgsl' {
  const source: readonly string[];
  export default source;
  export const constants: {
    readonly SIZE: number;
    readonly TERMS: number;
    readonly IMITATION: number;
  };
}
declare module '*/shaders/losses/imitation_factors.wgsl' {
  const source: readonly string[];
  export default source;
  export const constants: {
    readonly SIZE: number;
  };
}
declare module '*/shaders/losses/localization_row.wgsl' {
  const source: readonly string[];
  export default source;
  export const constants: {
    readonly LN2: number;
  };
}
declare module '*/shaders/losses/localization_sum.wgsl' {
  const source: readonly string[];
  export default source;
  export const constants: {
    readonly SIZE: number;
  };
}
declare module '*/shaders/losses/reduce.wgsl' {
  const source: readonly string[];
  export default source;
  export const constants: {
    readonly SIZE: number;
  };
}
declare module '*/shaders/ops/align_rows.wgsl' {
  const source: readonly string[];
  export default source;
  export const constants: {
    readonly TURNS: number;
  };
}
declare module '*/shaders/ops/conv2d_weight_gradient_body.wgsl' {
  const source: readonly string[];
  export default source;
  export const constants: {
    readonly ROWS: number;
  };
}
declare module '*/shaders/ops/every_second.wgsl' {
  const source: readonly string[];
  export default source;
  export const constants: {
    readonly TURNS: number;
  };
}
declare module '*/shaders/ops/group_norm_gradient.wgsl' {
  const source: readonly string[];
  export default source;
  export const constants: {
    readonly ELEMENT_SIZE: number;
  };
}
declare module '*/shaders/ops/group_norm_gradient_odd.wgsl' {
  const source: readonly string[];
  export default source;
  export const constants: {
    readonly ELEMENT_SIZE: number;
  };
}
declare module '*/shaders/ops/pointwise_weight_gradient_body.wgsl' {
  const source: readonly string[];
  export default source;
  export const constants: {
    readonly STRIP: number;
  };
}
declare module '*/shaders/regions/atss_candidates.wgsl' {
  const source: readonly string[];
  export default source;
  export const constants: {
    readonly MAX_TOPK: number;
    readonly MAX_LEVELS: number;
    readonly NONE: number;
    readonly IGNORED_DISTANCE: number;
    readonly INSIDE_MARGIN: number;
  };
}
declare module '*/shaders/regions/gi_select.wgsl' {
  const source: readonly string[];
  export default source;
  export const constants: {
    readonly SIZE: number;
    readonly INSTANCES: number;
    readonly SUPPRESSION_IOU: number;
    readonly NONE: number;
  };
}
declare module '*/shaders/regions/imitation_region.wgsl' {
  const source: readonly string[];
  export default source;
  export const constants: {
    readonly WHOLE: number;
    readonly EMPTY: number;
    readonly MAIN: number;
  };
}
declare module '*/shaders/regions/imitation_windows.wgsl' {
  const source: readonly string[];
  export default source;
  export const constants: {
    readonly SIZE: number;
    readonly ONE_BITS: number;
  };
}
declare module '*/shaders/regions/valuable_region.wgsl' {
  const source: readonly string[];
  export default source;
  export const constants: {
    readonly SIZE: number;
  };
}
declare module '*/shaders/train/clip.wgsl' {
  const source: readonly string[];
  export default source;
  export const constants: {
    readonly LANES: number;
  };
}
declare module '*.wgsl' {
  const source: readonly string[];
  export default source;
}
