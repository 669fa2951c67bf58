// A workgroup a level: adds the losses of the passes term by term, in a fixed order. A term with a bad loss is NaN, and the first such
// location is kept, so that bad logits can be named.

struct Params {
  batch: u32,
  level_count: u32,
  image_slots: u32,
  /// invocations of the pass over all class logits
  stream_count: u32,
  /// 1 where other samples than positives have losses of LD, and of KD
  ld_vlr: u32,
  kd_vlr: u32,
  /// see head_records.wgsl
  other_records: u32,
  /// 1 where features are imitated
  imitates: u32,
  /// 1 where the pass over all class logits has losses of KD
  kd_all: u32,
  /// of all images
  locations: u32,
  /// 1 where all locations have losses of LD, and of IoU distillation
  ld_all: u32,
  iou_all: u32,
  /// (start, height, width, first invocation of the pass over all class logits) of each level
  levels: array<vec4u, 8>,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> counts: array<f32>;
/// of head_stream.wgsl, coded; see head_stream_sum.wgsl
@group(0) @binding(2) var<storage, read> stream: array<u32>;
@group(0) @binding(3) var<storage, read> samples: array<Sample>;
@group(0) @binding(4) var<storage, read> records: array<u32>;
/// where features are imitated
@group(0) @binding(5) var<storage, read> imitation: array<f32>;
/// [terms, levels]
@group(0) @binding(6) var<storage, read_write> terms: array<f32>;
/// [terms, levels]: ~location of the first bad one, 0 where all are finite; with SPLIT what head_terms_merged.wgsl reads
@group(0) @binding(7) var<storage, read_write> faults: array<u32>;
/// [2, locations] of head_boxes_all.wgsl, coded: LD, IoU distillation
@group(0) @binding(8) var<storage, read> everywhere: array<u32>;

#include "../regions/sample.wgsl"
#include "head_share.wgsl"
#include "head_coded.wgsl"
#include "head_records.wgsl"
#include "head_term_sums.wgsl"

/// Workgroups (level, source) leave their sums for head_terms_merged.wgsl, for GPUs: [levels, sources, SIZE, 2] in `faults`, coded.
override SPLIT: bool = false;

/// Of every SIZE-th partial sum of a kind, which begins at `first`.
fn stream_sum(first: u32, range: vec2u, local: u32) -> Sum {
  var sum = Sum();
  var i = range.x + local;
  // A GPU waits long for a read: eight are under way at once.
  while (SPLIT && i + 7u * SIZE < range.y) {
    var codes: array<u32, 8>;
    for (var k = 0u; k < 8u; k++) { // unroll
      codes[k] = stream[first + i + k * SIZE];
    }
    for (var k = 0u; k < 8u; k++) { // unroll
      add(&sum, codes[k]);
    }
    i += 8u * SIZE;
  }
  for (; i < range.y; i += SIZE) {
    add(&sum, stream[first + i]);
  }
  return sum;
}

/// Of every SIZE-th location in a range: LD, IoU distillation.
fn everywhere_sums(locations: vec2u, local: u32) -> Sums {
  var ld = Sum();
  var iou = Sum();
  var i = locations.x + local;
  while (SPLIT && i + 7u * SIZE < locations.y) {
    var codes: array<vec2u, 8>;
    for (var k = 0u; k < 8u; k++) { // unroll
      let at = i + k * SIZE;
      codes[k] = vec2u(everywhere[params.ld_all * at], everywhere[params.iou_all * (params.locations + at)]);
    }
    for (var k = 0u; k < 8u; k++) { // unroll
      add(&ld, params.ld_all * codes[k].x);
      add(&iou, params.iou_all * codes[k].y);
    }
    i += 8u * SIZE;
  }
  for (; i < locations.y; i += SIZE) {
    if (params.ld_all == 1u) {
      add(&ld, everywhere[i]);
    }
    if (params.iou_all == 1u) {
      add(&iou, everywhere[params.locations + i]);
    }
  }
  return Sums(ld, iou);
}

fn imitation_sum(locations: vec2u, local: u32) -> Sum {
  var sum = Sum();
  for (var i = locations.x + local; i < params.imitates * locations.y; i += SIZE) {
    add(&sum, coded(imitation[i], i));
  }
  return sum;
}

/// Where an image's samples and records begin.
struct Image {
  positives: u32,
  /// positives of the images before
  before: u32,
  first: u32,
}

fn image_at(image: u32) -> Image {
  return Image(count_of(image, COUNT_POSITIVES), count_before(image, COUNT_POSITIVES), image * params.image_slots);
}

/// Of an image's positives within a range of locations.
fn positive_sum(at: Image, locations: vec2u, local: u32) -> Sum {
  // An invocation adds one term of every SIZE / RECORDED-th positive: a single read in the code instead of one for each term.
  let term = local % RECORDED;
  let end = select(0u, at.positives, local < SIZE / RECORDED * RECORDED);
  var sum = Sum();
  for (var i = local / RECORDED; i < end; i += SIZE / RECORDED) {
    let location = samples[at.first + i].location;
    if (location >= locations.x && location < locations.y) {
      add(&sum, records[RECORD * (at.before + i) + term]);
    }
  }
  return sum;
}

/// Of every SIZE-th of an image's other samples within a range of locations: LD, KD.
fn other_sums(at: Image, image: u32, locations: vec2u, local: u32) -> Sums {
  let others = params.other_records + OTHER * (count_before(image, COUNT_SAMPLES) - at.before);
  var ld = Sum();
  var kd = Sum();
  for (var i = at.positives + local; i < count_of(image, COUNT_SAMPLES); i += SIZE) {
    let location = samples[at.first + i].location;
    if (location >= locations.x && location < locations.y) {
      if (params.ld_vlr == 1u) {
        add(&ld, records[others + OTHER * (i - at.positives) + OTHER_LD]);
      }
      if (params.kd_vlr == 1u) {
        add(&kd, records[others + OTHER * (i - at.positives) + OTHER_KD]);
      }
    }
  }
  return Sums(ld, kd);
}

/// Of one source, for its own workgroup.
fn sums_of(source: u32, range: vec2u, locations: vec2u, local: u32) -> Sums {
  var sums = Sums();
  if (source == SOURCE_STREAM) {
    sums.first = stream_sum(0u, range, local);
    if (params.kd_all == 1u) {
      sums.second = stream_sum(params.stream_count, range, local);
    }
  } else if (source == SOURCE_EVERYWHERE) {
    if (params.ld_all + params.iou_all > 0u) {
      sums = everywhere_sums(locations, local);
    }
  } else if (source == SOURCE_IMITATION) {
    sums.first = imitation_sum(locations, local);
  } else {
    let image = (source - SOURCE_IMAGES) / 2u;
    if ((source - SOURCE_IMAGES) % 2u == 0u) {
      sums.first = positive_sum(image_at(image), locations, local);
    } else if (params.ld_vlr + params.kd_vlr > 0u) {
      sums = other_sums(image_at(image), image, locations, local);
    }
  }
  return sums;
}

@compute @workgroup_size(128)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_index) local: u32) {
  let level = workgroup.x;
  let entry = params.levels[level];
  let locations = params.batch * vec2u(entry.x, entry.x + entry.y * entry.z);
  var range = vec2u(entry.w, params.stream_count);
  if (level + 1u < params.level_count) {
    range.y = params.levels[level + 1u].w;
  }
  if (SPLIT) {
    let sums = sums_of(workgroup.y, range, locations, local);
    let at = 2u * ((level * (SOURCE_IMAGES + 2u * params.batch) + workgroup.y) * SIZE + local);
    faults[at] = coded_sum(sums.first.loss, sums.first.fault);
    faults[at + 1u] = coded_sum(sums.second.loss, sums.second.fault);
    return;
  }
  // Written out: a loop over sources with keep_source took up to 1.5 times as long on SwiftShader.
  keep(TERM_CLS, local, stream_sum(0u, range, local));
  if (params.kd_all == 1u) {
    keep(TERM_KD, local, stream_sum(params.stream_count, range, local));
  }
  if (params.ld_all + params.iou_all > 0u) {
    let sums = everywhere_sums(locations, local);
    keep(TERM_LD, local, sums.first);
    keep(TERM_LD_IOU, local, sums.second);
  }
  for (var image = 0u; image < params.batch; image++) {
    let at = image_at(image);
    keep(local % RECORDED, local, positive_sum(at, locations, local));
    if (params.ld_vlr + params.kd_vlr > 0u) {
      let sums = other_sums(at, image, locations, local);
      keep(TERM_LD_VLR, local, sums.first);
      keep(TERM_KD_NEG, local, sums.second);
    }
  }
  if (params.imitates == 1u) {
    keep(TERM_IM, local, imitation_sum(locations, local));
  }
  write_terms(level, local);
}
