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
/// [terms, levels]: ~location of the first bad one, 0 where all are finite
@group(0) @binding(7) var<storage, read_write> faults: array<u32>;
/// [2, locations] of head_boxes_all.wgsl, coded: LD, IoU distillation
@group(0) @binding(8) var<storage, read> everywhere: array<u32>;

#include "../regions/sample.wgsl"
#include "head_share.wgsl"
#include "head_coded.wgsl"
#include "head_records.wgsl"

const SIZE = 128u;

struct Sum {
  loss: f32,
  /// ~location of the first bad loss, 0 where all are finite
  fault: u32,
}

var<workgroup> lane_sums: array<f32, TERMS * SIZE>;
var<workgroup> lane_faults: array<u32, TERMS * SIZE>;

fn add(sum: ptr<function, Sum>, code: u32) {
  if (code > BAD) {
    (*sum).fault = max((*sum).fault, ~(code - BAD - 1u));
  } else {
    (*sum).loss += bitcast<f32>(code);
  }
}

fn keep(term: u32, local: u32, sum: Sum) {
  let at = term * SIZE + local;
  lane_sums[at] += sum.loss;
  lane_faults[at] = max(lane_faults[at], sum.fault);
}

/// Every SIZE-th of an image's rows within a range of locations.
fn add_rows(image: u32, locations: vec2u, local: u32) {
  let positives = count_of(image, COUNT_POSITIVES);
  let before = count_before(image, COUNT_POSITIVES);
  let first = image * params.image_slots;
  // An invocation adds one term of every SIZE / RECORDED-th positive: a single read in the code instead of one for each term.
  let term = local % RECORDED;
  let end = select(0u, positives, local < SIZE / RECORDED * RECORDED);
  var own = Sum();
  for (var i = local / RECORDED; i < end; i += SIZE / RECORDED) {
    let location = samples[first + i].location;
    if (location >= locations.x && location < locations.y) {
      add(&own, records[RECORD * (before + i) + term]);
    }
  }
  keep(term, local, own);
  if (params.ld_vlr + params.kd_vlr == 0u) {
    return;
  }
  let others = params.other_records + OTHER * (count_before(image, COUNT_SAMPLES) - before);
  var ld = Sum();
  var kd = Sum();
  for (var i = positives + local; i < count_of(image, COUNT_SAMPLES); i += SIZE) {
    let location = samples[first + i].location;
    if (location >= locations.x && location < locations.y) {
      if (params.ld_vlr == 1u) {
        add(&ld, records[others + OTHER * (i - positives) + OTHER_LD]);
      }
      if (params.kd_vlr == 1u) {
        add(&kd, records[others + OTHER * (i - positives) + OTHER_KD]);
      }
    }
  }
  keep(TERM_LD_VLR, local, ld);
  keep(TERM_KD_NEG, local, kd);
}

@compute @workgroup_size(128)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_index) local: u32) {
  let level = workgroup.x;
  let entry = params.levels[level];
  var end = params.stream_count;
  if (level + 1u < params.level_count) {
    end = params.levels[level + 1u].w;
  }
  var background = Sum();
  for (var i = entry.w + local; i < end; i += SIZE) {
    add(&background, stream[i]);
  }
  keep(TERM_CLS, local, background);
  if (params.kd_all == 1u) {
    var distilled = Sum();
    for (var i = entry.w + local; i < end; i += SIZE) {
      add(&distilled, stream[params.stream_count + i]);
    }
    keep(TERM_KD, local, distilled);
  }
  let locations = params.batch * vec2u(entry.x, entry.x + entry.y * entry.z);
  if (params.ld_all + params.iou_all > 0u) {
    var ld = Sum();
    var iou = Sum();
    for (var i = locations.x + local; i < locations.y; i += SIZE) {
      if (params.ld_all == 1u) {
        add(&ld, everywhere[i]);
      }
      if (params.iou_all == 1u) {
        add(&iou, everywhere[params.locations + i]);
      }
    }
    keep(TERM_LD, local, ld);
    keep(TERM_LD_IOU, local, iou);
  }
  for (var image = 0u; image < params.batch; image++) {
    add_rows(image, locations, local);
  }
  if (params.imitates == 1u) {
    var imitated = Sum();
    for (var i = locations.x + local; i < locations.y; i += SIZE) {
      add(&imitated, coded(imitation[i], i));
    }
    keep(TERM_IM, local, imitated);
  }
  workgroupBarrier();
  // An invocation a term: a single barrier, since software adapters pay dearly for each.
  if (local < TERMS) {
    var sum = 0.0;
    var fault = 0u;
    for (var i = local * SIZE; i < (local + 1u) * SIZE; i++) {
      sum += lane_sums[i];
      fault = max(fault, lane_faults[i]);
    }
    let at = local * params.level_count + level;
    terms[at] = bitcast<f32>(select(bitcast<u32>(sum), 0x7fc00000u, fault != 0u));
    faults[at] = fault;
  }
}
