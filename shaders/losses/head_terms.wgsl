// One workgroup: adds the partial losses of the passes term by term and level by level, in a fixed order, and keeps the first
// location whose loss is not a number, so that bad logits can be named. A term with such a location is NaN.

struct Params {
  batch: u32,
  level_count: u32,
  /// what head_class.wgsl went over
  scored: u32,
  /// invocations of the pass over all class logits
  stream_count: u32,
  /// rows in box_partials: COUNT_POSITIVES or COUNT_ROWS
  box_rows: u32,
  /// where the losses of the quads begin in box_partials
  quad_partials: u32,
  /// 1 where features are imitated
  imitates: u32,
  /// (start, height, width, first invocation of the pass over all class logits) of each level
  levels: array<vec4u, 8>,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> counts: array<f32>;
/// of head_stream.wgsl, coded
@group(0) @binding(2) var<storage, read> stream: array<u32>;
/// of head_class.wgsl: (bits of the sum, fault) of QFL, KD main, KD VLR, score, level by level, a workgroup
@group(0) @binding(3) var<storage, read> class_partials: array<vec2u>;
/// of head_box.wgsl (rows and quads, see there) or head_cut_rows.wgsl
@group(0) @binding(4) var<storage, read> box_partials: array<u32>;
/// [locations], where features are imitated
@group(0) @binding(5) var<storage, read> imitation: array<f32>;
/// [terms, levels]
@group(0) @binding(6) var<storage, read_write> terms: array<f32>;
/// [terms, levels]: ~location of the first bad one, 0 where all are finite
@group(0) @binding(7) var<storage, read_write> faults: array<u32>;
/// [1] the sum of the terms
@group(0) @binding(8) var<storage, read_write> total: array<f32>;

#include "head_row.wgsl"
#include "head_counts.wgsl"
#include "head_coded.wgsl"

const SIZE = 128u;
const ROWS = 64u;
const PARTIALS = 32u;
const ROW_WORDS = 5u;
const QUAD_WORDS = 2u;
const TERMS = 8u;

/// The order of the terms: QFL, box, DFL, LD, LD VLR, KD, KD VLR, imitation.
struct Sums {
  sum: array<f32, TERMS>,
  fault: array<u32, TERMS>,
}

/// [terms, SIZE]
var<workgroup> lane_sums: array<f32, TERMS * SIZE>;
var<workgroup> lane_faults: array<u32, TERMS * SIZE>;
var<workgroup> term_sums: array<f32, TERMS>;

fn add(sums: ptr<function, Sums>, term: u32, code: u32) {
  if (code > BAD) {
    (*sums).fault[term] = max((*sums).fault[term], ~(code - BAD - 1u));
  } else {
    (*sums).sum[term] += bitcast<f32>(code);
  }
}

/// What this invocation adds of a level: every SIZE-th of each kind of partials.
fn lane_level(level: u32, local: u32) -> Sums {
  var sums = Sums();
  let entry = params.levels[level];
  var end = params.stream_count;
  if (level + 1u < params.level_count) {
    end = params.levels[level + 1u].w;
  }
  for (var i = entry.w + local; i < end; i += SIZE) {
    add(&sums, 0u, stream[i]);
  }
  let row_count = listed(params.box_rows);
  for (var i = local; i < row_count; i += SIZE) {
    if (box_partials[ROW_WORDS * i + 4u] == level) {
      for (var k = 0u; k < 4u; k++) {
        add(&sums, 1u + k, box_partials[ROW_WORDS * i + k]);
      }
    }
  }
  let quad_count = listed(COUNT_QUADS);
  for (var i = local; i < quad_count; i += SIZE) {
    let quad = params.quad_partials + QUAD_WORDS * i;
    if (box_partials[quad + 1u] == level) {
      add(&sums, 4u, box_partials[quad]);
    }
  }
  let groups = (listed(params.scored) + ROWS - 1u) / ROWS;
  for (var i = local; i < groups; i += SIZE) {
    let terms_of = array<u32, 3>(0u, 5u, 6u);
    for (var k = 0u; k < 3u; k++) {
      let partial = class_partials[PARTIALS * i + 8u * k + level];
      sums.sum[terms_of[k]] += bitcast<f32>(partial.x);
      sums.fault[terms_of[k]] = max(sums.fault[terms_of[k]], partial.y);
    }
  }
  if (params.imitates == 1u) {
    let start = params.batch * entry.x;
    for (var i = start + local; i < start + params.batch * entry.y * entry.z; i += SIZE) {
      add(&sums, 7u, coded(imitation[i], i));
    }
  }
  return sums;
}

@compute @workgroup_size(128)
fn main(@builtin(local_invocation_index) local: u32) {
  var own = 0.0;
  for (var level = 0u; level < params.level_count; level++) {
    let sums = lane_level(level, local);
    workgroupBarrier();
    for (var term = 0u; term < TERMS; term++) {
      lane_sums[term * SIZE + local] = sums.sum[term];
      lane_faults[term * SIZE + local] = sums.fault[term];
    }
    workgroupBarrier();
    // An invocation a term; few barriers, which software adapters pay dearly for.
    if (local < TERMS) {
      var sum = 0.0;
      var fault = 0u;
      for (var i = local * SIZE; i < (local + 1u) * SIZE; i++) {
        sum += lane_sums[i];
        fault = max(fault, lane_faults[i]);
      }
      sum = bitcast<f32>(select(bitcast<u32>(sum), 0x7fc00000u, fault != 0u));
      terms[local * params.level_count + level] = sum;
      faults[local * params.level_count + level] = fault;
      own += sum;
    }
  }
  if (local < TERMS) {
    term_sums[local] = own;
  }
  workgroupBarrier();
  if (local == 0u) {
    var sum = 0.0;
    for (var term = 0u; term < TERMS; term++) {
      sum += term_sums[term];
    }
    total[0] = sum;
  }
}
