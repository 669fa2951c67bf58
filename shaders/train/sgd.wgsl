// SGD with momentum and weight decay (torch.optim.SGD, as mmdet uses it), four elements an invocation:
//   d = scale·g + λ·w,  m ← μ·m + d,  w ← w − η·m;  λ only for the first `decayed` vec4; η times the
// parameter's factor. Frozen parameters (factor 0) stay as they are.
struct Params {
  /// vec4 of the parameters
  count: u32,
  /// vec4 that weight decay applies to
  decayed: u32,
  momentum: f32,
  weight_decay: f32,
}
#include "control.wgsl"
#include "../lib/index.wgsl"
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> control: Control;
@group(0) @binding(2) var<storage, read> scalars: Scalars;
@group(0) @binding(3) var<storage, read> gradients: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> values: array<vec4f>;
@group(0) @binding(5) var<storage, read_write> momentum: array<vec4f>;
/// of the learning rate, one for 16 vec4
@group(0) @binding(6) var<storage, read> factors: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(num_workgroups) workgroups: vec3u, @builtin(local_invocation_index) local: u32) {
  let i = linear_index(workgroup, workgroups, local, 64u);
  if (i >= params.count || control.apply == 0u) {
    return;
  }
  let factor = factors[i / 16u];
  if (factor == 0.0) {
    return;
  }
  let value = values[i];
  let decay = select(0.0, params.weight_decay, i < params.decayed);
  let moved = params.momentum * momentum[i] + (control.scale * gradients[i] + decay * value);
  momentum[i] = moved;
  values[i] = value - factor * scalars.learning_rate * moved;
}
