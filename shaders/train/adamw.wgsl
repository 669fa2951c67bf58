// AdamW (Loshchilov and Hutter 2019; torch.optim.AdamW), four elements an invocation, with g the clipped gradient:
//   m ← β₁m + (1−β₁)g,  v ← β₂v + (1−β₂)g²,  w ← (1 − ηλ)w − η/(1−β₁ᵗ) · m / (√v/√(1−β₂ᵗ) + ε);
//   λ only for the first `decayed` vec4; η times the parameter's factor. Frozen parameters (factor 0) stay as they are.
struct Params {
  /// vec4 of the parameters
  count: u32,
  /// vec4 that weight decay applies to
  decayed: u32,
  beta1: f32,
  beta2: f32,
  /// 1 − β₁ and 1 − β₂, taken in float64
  rest1: f32,
  rest2: f32,
  epsilon: f32,
  weight_decay: f32,
}
#include "control.wgsl"
#include "../lib/index.wgsl"
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> control: Control;
@group(0) @binding(2) var<storage, read> scalars: Scalars;
@group(0) @binding(3) var<storage, read> gradients: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> values: array<vec4f>;
@group(0) @binding(5) var<storage, read_write> first: array<vec4f>;
@group(0) @binding(6) var<storage, read_write> second: array<vec4f>;
/// of the learning rate, one for 16 vec4
@group(0) @binding(7) var<storage, read> factors: array<f32>;

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
  let rate = factor * scalars.learning_rate;
  let gradient = control.scale * gradients[i];
  let decay = select(0.0, params.weight_decay, i < params.decayed);
  let m = params.beta1 * first[i] + params.rest1 * gradient;
  let v = params.beta2 * second[i] + params.rest2 * gradient * gradient;
  first[i] = m;
  second[i] = v;
  let update = (m / scalars.first_correction) / (sqrt(v) / scalars.second_correction + params.epsilon);
  values[i] = values[i] * (1.0 - rate * decay) - rate * update;
}
