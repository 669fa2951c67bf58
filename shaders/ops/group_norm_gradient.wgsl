// Gradients of group_norm_body.wgsl. With n the normalised input and g = scale[c] · incoming, means over the group:
// gradient = (g − mean(g) − n · mean(g·n)) / √(variance + ε). With RELU incoming counts only where scale[c] · n + shift[c] > 0, since the
// forward pass keeps no mask. One workgroup a group. Each channel's Σ incoming·n and Σ incoming, added over levels and images by
// sum_chunk_pairs.wgsl, are the gradients of its scale and shift. What an Element of a map is: elements_quads.wgsl and elements_single.wgsl.
struct Params {
  channels: u32,
  groups: u32,
  level_count: u32,
  /// each level: (first workgroup, first Element, Elements of a map, first row of the statistics)
  levels: array<vec4u, 8>,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<StoredElement>;
@group(0) @binding(2) var<storage, read> incoming: array<StoredElement>;
@group(0) @binding(3) var<storage, read> scale: array<f32>;
/// [levels · images · groups]: mean, 1/√(variance + ε)
@group(0) @binding(4) var<storage, read> statistics: array<vec2f>;
@group(0) @binding(5) var<storage, read_write> gradient: array<StoredElement>;
/// [levels · images, channels]
@group(0) @binding(6) var<storage, read_write> scale_sums: array<f32>;
@group(0) @binding(7) var<storage, read_write> shift_sums: array<f32>;
@group(0) @binding(8) var<storage, read> shift: array<f32>;

/// At least eight; few on software adapters, where barriers are dear.
override LANES: u32 = 64;
override RELU: bool = false;
/// Channels that the lanes take at once, SHARE lanes each; a power of two.
override SLOTS: u32 = 8;
override SHARE: u32 = LANES / SLOTS;
/// Σ incoming, Σ incoming·n
var<workgroup> lane_sums: array<vec2f, LANES>;

#include "group_norm_passed.wgsl"

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_index) local: u32) {
  var level = 0u;
  while (level + 1u < params.level_count && workgroup.x >= params.levels[level + 1u].x) {
    level++;
  }
  let entry = params.levels[level];
  let index = workgroup.x - entry.x;
  let members = params.channels / params.groups;
  let start = entry.y + index * members * entry.z;
  let row = entry.w + index;
  let mean = statistics[row].x;
  let inverse = statistics[row].y;
  let first_channel = (row % params.groups) * members;

  let lane = local % SHARE;
  let slot = local / SHARE;
  var group_sums = vec2f();
  for (var block = 0u; block < members; block += SLOTS) {
    let member = block + slot;
    let plane = start + member * entry.z;
    var sum = Element();
    var products = Element();
    if (member < members) {
      let factor = scale[first_channel + member] * inverse;
      let offset = shift[first_channel + member];
      for (var i = lane; i < entry.z; i += SHARE) {
        let distance = Element(input[plane + i]) - mean;
        let value = passed(Element(incoming[plane + i]), distance, factor, offset);
        sum += value;
        products += value * (distance * inverse);
      }
    }
    lane_sums[local] = vec2f(sum_of(sum), sum_of(products));
    workgroupBarrier();
    for (var half = SHARE / 2u; half > 0u; half /= 2u) {
      if (lane < half) {
        lane_sums[local] += lane_sums[local + half];
      }
      workgroupBarrier();
    }
    for (var other = 0u; other < min(SLOTS, members - block); other++) {
      group_sums += scale[first_channel + block + other] * lane_sums[other * SHARE];
    }
    if (lane == 0u && member < members) {
      let at = row / params.groups * params.channels + first_channel + member;
      shift_sums[at] = lane_sums[local].x;
      scale_sums[at] = lane_sums[local].y;
    }
    // The next channels write over what other lanes have yet to read.
    workgroupBarrier();
  }

  let means = group_sums / f32(members * entry.z * ELEMENT_SIZE);
  for (var member = 0u; member < members; member++) {
    let plane = start + member * entry.z;
    let factor = scale[first_channel + member];
    let offset = shift[first_channel + member];
    for (var i = local; i < entry.z; i += LANES) {
      let distance = Element(input[plane + i]) - mean;
      let value = passed(Element(incoming[plane + i]), distance, factor * inverse, offset);
      gradient[plane + i] = StoredElement(inverse * (factor * value - means.x - distance * inverse * means.y));
    }
  }
}
