// group_norm.wgsl in two dispatches of many workgroups a group: first the moments of each piece; then each workgroup joins those of its group and
// normalises its piece.
struct Params {
  channels: u32,
  groups: u32,
  epsilon: f32,
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
@group(0) @binding(2) var<storage, read> scale: array<f32>;
@group(0) @binding(3) var<storage, read> shift: array<f32>;
@group(0) @binding(4) var<storage, read_write> output: array<StoredElement>;
/// [levels · images · groups]: mean, 1/√(variance + ε)
@group(0) @binding(5) var<storage, read_write> statistics: array<vec2f>;
/// [chunks, channels] moments
@group(0) @binding(6) var<storage, read_write> left: array<vec4f>;

var<workgroup> lane_moments: array<vec3f, LANES>;

/// Of all lanes, in a fixed order. All invocations call it.
fn joined(own: vec3f, local: u32) -> vec3f {
  lane_moments[local] = own;
  workgroupBarrier();
  for (var half = LANES / 2u; half > 0u; half /= 2u) {
    if (local < half) {
      lane_moments[local] = merge(lane_moments[local], lane_moments[local + half]);
    }
    workgroupBarrier();
  }
  return lane_moments[0];
}

/// Of every LANES-th Element of a piece.
fn piece_moments(own: Piece, local: u32) -> vec3f {
  // Distances from a value of the piece keep the squares small.
  let origin = Element(input[min(own.begin + local, own.end - 1u)]);
  var sum = Element();
  var squares = Element();
  var count = 0.0;
  for (var i = own.begin + local; i < own.end; i += LANES) {
    let distance = Element(input[i]) - origin;
    sum += distance;
    squares += distance * distance;
    count += 1.0;
  }
  return moments(count, origin, sum, squares);
}

/// Of every LANES-th piece of a group.
fn group_moments(own: Piece, local: u32) -> vec3f {
  var all = vec3f();
  for (var i = local; i < pieces_of_group(own); i += LANES) {
    all = merge(all, left[left_at(own, i)].xyz);
  }
  return all;
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(num_workgroups) workgroups: vec3u, @builtin(local_invocation_index) local: u32) {
  let index = workgroup.y * workgroups.x + workgroup.x;
  if (index >= params.count) {
    return;
  }
  let own = piece_of(index);
  if (!JOINS) {
    let all = joined(piece_moments(own, local), local);
    if (local == 0u) {
      left[own.chunk * params.channels + own.channel] = vec4f(all, 0.0);
    }
    return;
  }
  let all = joined(group_moments(own, local), local);
  let inverse = inverseSqrt(all.z / all.x + params.epsilon);
  if (local == 0u && is_first(own)) {
    statistics[own.row] = vec2f(all.y, inverse);
  }
  let factor = scale[own.channel] * inverse;
  let offset = shift[own.channel];
  for (var i = own.begin + local; i < own.end; i += LANES) {
    let value = (Element(input[i]) - all.y) * factor + offset;
    if (RELU) {
      output[i] = StoredElement(max(value, Element()));
    } else {
      output[i] = StoredElement(value);
    }
  }
}
