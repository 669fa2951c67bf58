// LD, DFL and the integral of rows of bins, see localization_row.wgsl; an invocation is a row.
struct Params {
  rows: u32,
  /// 0 where one weight serves all
  weight_stride: u32,
  temperature: f32,
  greatest: f32,
  dfl_scale: f32,
  ld_scale: f32,
}
@group(0) @binding(0) var<uniform> params: Params;
/// [R, K]
@group(0) @binding(1) var<storage, read> student: array<f32>;
@group(0) @binding(2) var<storage, read> teacher: array<f32>;
/// [R], bin units
@group(0) @binding(3) var<storage, read> distances: array<f32>;
@group(0) @binding(4) var<storage, read> weights: array<f32>;
@group(0) @binding(5) var<storage, read> average_factor: array<f32>;
@group(0) @binding(6) var<storage, read_write> expected: array<f32>;
@group(0) @binding(7) var<storage, read_write> gradient: array<f32>;
/// (DFL, LD) of each row
@group(0) @binding(8) var<storage, read_write> losses: array<vec2f>;

#include "../lib/index.wgsl"
#include "localization_row.wgsl"

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(num_workgroups) workgroups: vec3u, @builtin(local_invocation_index) local: u32) {
  let row = linear_index(workgroup, workgroups, local, 64u);
  if (row >= params.rows) {
    return;
  }
  losses[row] = row_losses(row * BINS, 1u, row, weight_of(row));
}
