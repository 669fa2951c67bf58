// Each workgroup adds one chunk in a fixed order: the same values give the same bits.
struct Params {
  count: u32,
  /// values a workgroup adds
  chunk: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> values: array<f32>;
@group(0) @binding(2) var<storage, read_write> sums: array<f32>;

const SIZE = 256u;
var<workgroup> partial: array<f32, SIZE>;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_index) local: u32) {
  let start = workgroup.x * params.chunk;
  let end = min(start + params.chunk, params.count);
  var sum = 0.0;
  for (var i = start + local; i < end; i += SIZE) {
    sum += values[i];
  }
  partial[local] = sum;
  for (var half = SIZE / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (local < half) {
      partial[local] += partial[local + half];
    }
  }
  if (local == 0u) {
    sums[workgroup.x] = partial[0];
  }
}
