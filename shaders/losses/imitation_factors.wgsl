// One workgroup a level: counts the locations of the region and of its background and turns the weights into factors of a
// mean over locations x channels: (weight, weight background) / (count channels); 0 where the gates are 0.
struct Params {
  batch: u32,
  channels: u32,
  /// the gates of level l are gates[gate_first + l + gate_stride image], for gate_images images; 0: no gates
  gate_first: u32,
  gate_images: u32,
  gate_stride: u32,
  weight: f32,
  /// of the locations outside the region, relative to `weight`; only DeFeat has it
  background: f32,
  levels: array<vec4u, 8>,
}
@group(0) @binding(0) var<uniform> params: Params;
/// [locations]: greater than 0 inside the region, 0 outside, less where the location does not exist
@group(0) @binding(1) var<storage, read> mask: array<f32>;
/// a level whose gates are all 0 imitates nothing
@group(0) @binding(2) var<storage, read> gates: array<f32>;
/// [levels]: (inside, outside); between the two passes of processes that share a step, their counts
@group(0) @binding(3) var<storage, read_write> factors: array<vec2f>;

/// 1: leaves this process's counts in `factors`; 2: takes those of all processes from there.
override SHARED: u32 = 0u;

/// Eight reads are under way at once, since a GPU waits long for each.
override AHEAD: bool = false;

const SIZE = 256u;
var<workgroup> counts: array<vec2u, SIZE>;

/// (inside, outside)
fn counted(value: f32) -> vec2u {
  return vec2u(u32(value > 0.0), u32(value == 0.0));
}

/// Of every SIZE-th location.
fn count_of(start: u32, end: u32, local: u32) -> vec2u {
  var own = vec2u();
  var i = start + local;
  while (AHEAD && i + 7u * SIZE < end) {
    var values: array<f32, 8>;
    for (var k = 0u; k < 8u; k++) { // unroll
      values[k] = mask[i + k * SIZE];
    }
    for (var k = 0u; k < 8u; k++) { // unroll
      own += counted(values[k]);
    }
    i += 8u * SIZE;
  }
  for (; i < end; i += SIZE) {
    own += counted(mask[i]);
  }
  return own;
}

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_index) local: u32) {
  let entry = params.levels[workgroup.x];
  let start = params.batch * entry.x;
  counts[local] = count_of(start, start + params.batch * entry.y * entry.z, local);
  for (var half = SIZE / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (local < half) {
      counts[local] += counts[local + half];
    }
  }
  if (local == 0u) {
    if (SHARED == 1u) {
      factors[workgroup.x] = vec2f(counts[0]);
      return;
    }
    var locations = vec2f(counts[0]);
    if (SHARED == 2u) {
      locations = factors[workgroup.x];
    }
    let elements = max(locations, vec2f(1.0)) * f32(params.channels);
    var open = params.gate_images == 0u;
    for (var image = 0u; image < params.gate_images; image++) {
      open |= gates[params.gate_first + workgroup.x + params.gate_stride * image] != 0.0;
    }
    factors[workgroup.x] = select(vec2f(), params.weight * vec2f(1.0, params.background) / elements, open);
  }
}
