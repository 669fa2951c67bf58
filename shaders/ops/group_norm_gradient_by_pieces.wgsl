// group_norm_gradient.wgsl in two dispatches of many workgroups a group: first the sums of each piece, which sum_chunk_pairs.wgsl adds to gradients
// of scale and shift; then each workgroup adds up those of its group and makes the gradient of its piece.
struct Params {
  channels: u32,
  groups: u32,
  /// workgroups
  count: u32,
  level_count: u32,
  /// two entries a level: (first workgroup, first Element, Elements of a map, first row of the statistics),
  /// (pieces of a map, Elements of a piece, first chunk, 0)
  levels: array<vec4u, 16>,
}
@group(0) @binding(0) var<uniform> params: Params;

#include "group_norm_pieces.wgsl"

@group(0) @binding(1) var<storage, read> input: array<StoredElement>;
@group(0) @binding(2) var<storage, read> incoming: array<StoredElement>;
@group(0) @binding(3) var<storage, read> scale: array<f32>;
/// [levels · images · groups]: mean, 1/√(variance + ε)
@group(0) @binding(4) var<storage, read> statistics: array<vec2f>;
@group(0) @binding(5) var<storage, read_write> gradient: array<StoredElement>;
/// [chunks, channels]: Σ incoming·n, Σ incoming
@group(0) @binding(6) var<storage, read_write> scale_sums: array<f32>;
@group(0) @binding(7) var<storage, read_write> shift_sums: array<f32>;
@group(0) @binding(8) var<storage, read> shift: array<f32>;

var<workgroup> lane_sums: array<vec2f, LANES>;

#include "group_norm_passed.wgsl"

/// Of all lanes, in a fixed order. All invocations call it.
fn added(own: vec2f, local: u32) -> vec2f {
  lane_sums[local] = own;
  workgroupBarrier();
  for (var half = LANES / 2u; half > 0u; half /= 2u) {
    if (local < half) {
      lane_sums[local] += lane_sums[local + half];
    }
    workgroupBarrier();
  }
  return lane_sums[0];
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(num_workgroups) workgroups: vec3u, @builtin(local_invocation_index) local: u32) {
  let index = workgroup.y * workgroups.x + workgroup.x;
  if (index >= params.count) {
    return;
  }
  let own = piece_of(index);
  let mean = statistics[own.row].x;
  let inverse = statistics[own.row].y;
  let factor = scale[own.channel];
  let offset = shift[own.channel];
  if (!JOINS) {
    var sum = Element();
    var products = Element();
    for (var i = own.begin + local; i < own.end; i += LANES) {
      let distance = Element(input[i]) - mean;
      let value = passed(Element(incoming[i]), distance, factor * inverse, offset);
      sum += value;
      products += value * (distance * inverse);
    }
    let all = added(vec2f(sum_of(sum), sum_of(products)), local);
    if (local == 0u) {
      let at = own.chunk * params.channels + own.channel;
      shift_sums[at] = all.x;
      scale_sums[at] = all.y;
    }
    return;
  }
  var weighted = vec2f();
  for (var i = local; i < pieces_of_group(own); i += LANES) {
    let at = left_at(own, i);
    weighted += scale[own.first_channel + i / own.pieces] * vec2f(shift_sums[at], scale_sums[at]);
  }
  let means = added(weighted, local) / f32(params.channels / params.groups * own.area * ELEMENT_SIZE);
  for (var i = own.begin + local; i < own.end; i += LANES) {
    let distance = Element(input[i]) - mean;
    let value = passed(Element(incoming[i]), distance, factor * inverse, offset);
    gradient[i] = StoredElement(inverse * (factor * value - means.x - distance * inverse * means.y));
  }
}
