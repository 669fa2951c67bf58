// One workgroup a level: counts its selected locations; factors[level] = gates[level] scale / (count channels), 0 for none.
struct Params {
  batch: u32,
  channels: u32,
  gate_stride: u32,
  scale: f32,
  levels: array<vec4u, 8>,
}
@group(0) @binding(0) var<uniform> params: Params;
/// [locations]; selected where greater than 0
@group(0) @binding(1) var<storage, read> mask: array<f32>;
/// one a level, or a single one with gate_stride 0
@group(0) @binding(2) var<storage, read> gates: array<f32>;
/// [levels]
@group(0) @binding(3) var<storage, read_write> factors: array<f32>;

const SIZE = 256u;
var<workgroup> counts: array<u32, SIZE>;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_index) local: u32) {
  let entry = params.levels[workgroup.x];
  let start = params.batch * entry.x;
  let end = start + params.batch * entry.y * entry.z;
  var own = 0u;
  for (var i = start + local; i < end; i += SIZE) {
    own += u32(mask[i] > 0.0);
  }
  counts[local] = own;
  for (var half = SIZE / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (local < half) {
      counts[local] += counts[local + half];
    }
  }
  if (local == 0u) {
    let elements = f32(max(counts[0], 1u)) * f32(params.channels);
    factors[workgroup.x] = gates[workgroup.x * params.gate_stride] * params.scale / elements;
  }
}
