// output[b, c, i] = factor[c] · images[b, source[c], i] + shift[c]: from the loader's normalisation to that of a model.
struct Params {
  /// images · 3 · area
  count: u32,
  /// pixels of an image
  area: u32,
  /// of each of the model: factor, shift, source, 0
  channels: array<vec4f, 3>,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> images: array<f32>;
@group(0) @binding(2) var<storage, read_write> output: array<f32>;

#include "../lib/index.wgsl"

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(num_workgroups) workgroups: vec3u, @builtin(local_invocation_index) local: u32) {
  let i = linear_index(workgroup, workgroups, local, 64u);
  if (i >= params.count) {
    return;
  }
  let plane = i / params.area;
  let channel = plane % 3u;
  let change = params.channels[channel];
  let at = (plane - channel + u32(change.z)) * params.area + i % params.area;
  output[i] = change.x * images[at] + change.y;
}
