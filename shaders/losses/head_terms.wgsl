// One workgroup: adds the partial losses of the passes term by term and level by level, in a fixed order, and keeps the first
// location whose loss is not a number, so that bad logits can be named. A term with such a location is NaN.

struct Params {
  batch: u32,
  level_count: u32,
  /// what head_class.wgsl went over
  scored: u32,
  /// invocations of the pass over all class logits
  stream_count: u32,
  /// workgroups of head_box.wgsl before those that go over quads
  row_groups: u32,
  /// 1 where features are imitated
  imitates: u32,
  /// (start, height, width, first invocation of the pass over all class logits) of each level
  levels: array<vec4u, 8>,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> counts: array<f32>;
/// of head_stream.wgsl
@group(0) @binding(2) var<storage, read> stream: array<u32>;
/// of head_class.wgsl and head_box.wgsl
@group(0) @binding(3) var<storage, read> class_partials: array<vec2u>;
@group(0) @binding(4) var<storage, read> box_partials: array<vec2u>;
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

const SIZE = 256u;
/// see head_stream_sum.wgsl
const BAD = 0x7f800000u;
const PARTIALS = 32u;
const TERMS = 8u;
const ROWS = 64u;

/// (sum, fault) of each term and level
var<workgroup> sums: array<f32, 64>;
var<workgroup> bad: array<u32, 64>;
var<workgroup> shared_sums: array<vec2f, SIZE>;
var<workgroup> shared_faults: array<vec2u, SIZE>;
/// of each level: class logits, imitated features
var<workgroup> level_sums: array<vec2f, 8>;
var<workgroup> level_faults: array<vec2u, 8>;

/// Adds the partials of a level's class logits and of its imitated features.
fn add_level(level: u32, local: u32) {
  let entry = params.levels[level];
  var end = params.stream_count;
  if (level + 1u < params.level_count) {
    end = params.levels[level + 1u].w;
  }
  var sum = vec2f();
  var fault = vec2u();
  for (var i = entry.w + local; i < end; i += SIZE) {
    let partial = stream[i];
    if (partial > BAD) {
      fault.x = max(fault.x, ~(partial - BAD - 1u));
    } else {
      sum.x += bitcast<f32>(partial);
    }
  }
  if (params.imitates == 1u) {
    let start = params.batch * entry.x;
    for (var i = start + local; i < start + params.batch * entry.y * entry.z; i += SIZE) {
      sum.y += imitation[i];
      if ((bitcast<u32>(imitation[i]) & BAD) == BAD) {
        fault.y = max(fault.y, ~i);
      }
    }
  }
  shared_sums[local] = sum;
  shared_faults[local] = fault;
  for (var half = SIZE / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (local < half) {
      shared_sums[local] += shared_sums[local + half];
      shared_faults[local] = max(shared_faults[local], shared_faults[local + half]);
    }
  }
  if (local == 0u) {
    level_sums[level] = shared_sums[0];
    level_faults[level] = shared_faults[0];
  }
  workgroupBarrier();
}

/// The (bits of the sum, fault) of one quantity and level of a row pass: those of head_box.wgsl come after all of head_class.wgsl.
fn add_rows(local: u32) -> vec2u {
  let entry = local % PARTIALS;
  var sum = 0.0;
  var fault = 0u;
  if (local < PARTIALS) {
    let class_groups = (listed(params.scored) + ROWS - 1u) / ROWS;
    for (var group = 0u; group < class_groups; group++) {
      let partial = class_partials[PARTIALS * group + entry];
      sum += bitcast<f32>(partial.x);
      fault = max(fault, partial.y);
    }
  } else {
    let rows = (listed(COUNT_ROWS) + ROWS - 1u) / ROWS;
    let quads = (listed(COUNT_QUADS) + ROWS - 1u) / ROWS;
    for (var i = 0u; i < rows + quads; i++) {
      let group = select(params.row_groups + i - rows, i, i < rows);
      let partial = box_partials[PARTIALS * group + entry];
      sum += bitcast<f32>(partial.x);
      fault = max(fault, partial.y);
    }
  }
  return vec2u(bitcast<u32>(sum), fault);
}

@compute @workgroup_size(256)
fn main(@builtin(local_invocation_index) local: u32) {
  for (var level = 0u; level < params.level_count; level++) {
    add_level(level, local);
  }
  // The terms' order is QFL, box, DFL, LD, LD VLR, KD, KD VLR, imitation; the class pass has QFL, KD, KD VLR, score.
  if (local < 2u * PARTIALS) {
    let level = local % 8u;
    let quantity = local / 8u;
    let place = array<u32, 8>(0u, 5u, 6u, 7u, 1u, 2u, 3u, 4u);
    let own = add_rows(local);
    var sum = bitcast<f32>(own.x);
    var fault = own.y;
    if (quantity == 0u || quantity == 3u) {
      // QFL has the rest from the pass over all logits; in the place of the score goes imitation.
      let which = select(0u, 1u, quantity == 3u);
      sum = select(sum, 0.0, quantity == 3u) + level_sums[level][which];
      fault = max(select(fault, 0u, quantity == 3u), level_faults[level][which]);
    }
    sums[place[quantity] * 8u + level] = bitcast<f32>(select(bitcast<u32>(sum), 0x7fc00000u, fault != 0u));
    bad[place[quantity] * 8u + level] = fault;
  }
  workgroupBarrier();
  if (local < TERMS * params.level_count) {
    let term = local / params.level_count;
    let entry = term * 8u + local - term * params.level_count;
    terms[local] = sums[entry];
    faults[local] = bad[entry];
  }
  if (local == 0u) {
    var sum = 0.0;
    for (var term = 0u; term < TERMS; term++) {
      for (var level = 0u; level < params.level_count; level++) {
        sum += sums[term * 8u + level];
      }
    }
    total[0] = sum;
  }
}
