// Gradient of each level's scale, Σ incoming × input, in a fixed order: a workgroup for each of `chunks` pieces, for sum_pieces.wgsl to add.
struct Params {
  chunks: u32,
  /// batch × channels
  planes: u32,
  levels: array<vec4u, 8>,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<f32>;
@group(0) @binding(2) var<storage, read> incoming: array<f32>;
/// [levels, chunks]
@group(0) @binding(3) var<storage, read_write> pieces: array<f32>;

override SIZE: u32 = 64;
var<workgroup> sums: array<f32, SIZE>;

@compute @workgroup_size(SIZE)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_index) local: u32) {
  let entry = params.levels[workgroup.y];
  let size = params.planes * entry.y * entry.z;
  let start = params.planes * entry.x;
  let length = (size + params.chunks - 1u) / params.chunks;
  let end = min(size, (workgroup.x + 1u) * length);
  var sum = 0.0;
  for (var i = workgroup.x * length + local; i < end; i += SIZE) {
    sum += input[start + i] * incoming[start + i];
  }
  sums[local] = sum;
  for (var half = SIZE / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (local < half) {
      sums[local] += sums[local + half];
    }
  }
  if (local == 0u) {
    pieces[workgroup.y * params.chunks + workgroup.x] = sums[0];
  }
}
