// Maps of labels and their weights; `matched` is set by assignment_scatter.wgsl.

struct Params {
  locations: u32,
  classes: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> table: array<u32>;
/// [locations]: class, or `classes` for background
@group(0) @binding(2) var<storage, read_write> label: array<i32>;
@group(0) @binding(3) var<storage, read_write> matched: array<i32>;
/// [locations]: 0 where the label does not count
@group(0) @binding(4) var<storage, read_write> weight: array<f32>;

#include "../lib/index.wgsl"
#include "sample.wgsl"

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(num_workgroups) workgroups: vec3u, @builtin(local_invocation_index) local: u32) {
  let location = linear_index(workgroup, workgroups, local, 64u);
  if (location >= params.locations) {
    return;
  }
  let entry = table[location];
  label[location] = select(i32(params.classes), i32(entry) - 1, is_positive_entry(entry));
  matched[location] = -1;
  weight[location] = select(1.0, 0.0, entry >= TABLE_IGNORED);
}
