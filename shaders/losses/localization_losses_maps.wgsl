// LD, DFL and the integral of maps of 4 K channels, see localization_row.wgsl. An invocation is an edge at a location, a workgroup
// neighbouring ones: workgroup.x counts through the levels, workgroup.y through images and edges, so that nothing is divided.
struct Params {
  batch: u32,
  level_count: u32,
  /// 0 where one weight serves all
  weight_stride: u32,
  temperature: f32,
  greatest: f32,
  dfl_scale: f32,
  ld_scale: f32,
  /// (start, locations, first workgroup.x, 0) of each level
  levels: array<vec4u, 8>,
}
@group(0) @binding(0) var<uniform> params: Params;
/// levels of [B, 4 K, H, W], edge by edge
@group(0) @binding(1) var<storage, read> student: array<f32>;
@group(0) @binding(2) var<storage, read> teacher: array<f32>;
/// levels of [B, 4, H, W], bin units
@group(0) @binding(3) var<storage, read> distances: array<f32>;
/// levels of [B, 1, H, W]
@group(0) @binding(4) var<storage, read> weights: array<f32>;
@group(0) @binding(5) var<storage, read> average_factor: array<f32>;
/// levels of [B, 4, H, W]
@group(0) @binding(6) var<storage, read_write> expected: array<f32>;
@group(0) @binding(7) var<storage, read_write> gradient: array<f32>;
/// (DFL, LD) of each edge at each location, levels of [B, 4, H, W]
@group(0) @binding(8) var<storage, read_write> losses: array<vec2f>;

#include "localization_row.wgsl"

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_index) local: u32) {
  var index = 0u;
  while (index + 1u < params.level_count && workgroup.x >= params.levels[index + 1u].z) {
    index++;
  }
  let level = params.levels[index];
  let cell = (workgroup.x - level.z) * 64u + local;
  if (cell >= level.y) {
    return;
  }
  let map = workgroup.y;
  let row = 4u * params.batch * level.x + map * level.y + cell;
  let first = 4u * BINS * params.batch * level.x + map * (BINS * level.y) + cell;
  losses[row] = row_losses(first, level.y, row, weight_of(params.batch * level.x + (map / 4u) * level.y + cell));
}
