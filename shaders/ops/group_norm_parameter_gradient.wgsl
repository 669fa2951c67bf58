// One invocation a channel: gradients of shift (Σ incoming) and scale (Σ incoming × normalised) over levels and images.
struct Params {
  channels: u32,
  /// levels × batch
  rows: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
/// [rows, channels] (Σ incoming, Σ incoming × normalised)
@group(0) @binding(1) var<storage, read> sums: array<vec2f>;
@group(0) @binding(2) var<storage, read_write> scale_gradient: array<f32>;
@group(0) @binding(3) var<storage, read_write> shift_gradient: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= params.channels) {
    return;
  }
  var total = vec2f();
  for (var row = 0u; row < params.rows; row++) {
    total += sums[row * params.channels + id.x];
  }
  shift_gradient[id.x] = total.x;
  scale_gradient[id.x] = total.y;
}
