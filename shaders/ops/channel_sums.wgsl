// sums[channel] = Σ maps[image, channel, pixel] over images, pixels and levels. One workgroup a channel; the order is fixed. With ADDS sums += that.
struct Params {
  batch: u32,
  channels: u32,
  level_count: u32,
  /// each level (first vec4, vec4 of a map, 0, 0)
  levels: array<vec4u, 8>,
}
@group(0) @binding(0) var<uniform> params: Params;
/// aligned rows, padded with zeros
@group(0) @binding(1) var<storage, read> maps: array<Stored4>;
@group(0) @binding(2) var<storage, read_write> sums: array<f32>;

override LANES: u32 = 64;
override ADDS: bool = false;
var<workgroup> lane_sums: array<f32, LANES>;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_index) local: u32) {
  var sum = vec4f();
  for (var level = 0u; level < params.level_count; level++) {
    let entry = params.levels[level];
    for (var image = 0u; image < params.batch; image++) {
      let start = entry.x + (image * params.channels + workgroup.x) * entry.y;
      for (var i = local; i < entry.y; i += LANES) {
        sum += vec4f(maps[start + i]);
      }
    }
  }
  lane_sums[local] = sum.x + sum.y + sum.z + sum.w;
  workgroupBarrier();
  for (var half = LANES / 2u; half > 0u; half /= 2u) {
    if (local < half) {
      lane_sums[local] += lane_sums[local + half];
    }
    workgroupBarrier();
  }
  if (local == 0u) {
    var sum = lane_sums[0];
    if (ADDS) {
      sum = sums[workgroup.x] + sum;
    }
    sums[workgroup.x] = sum;
  }
}
