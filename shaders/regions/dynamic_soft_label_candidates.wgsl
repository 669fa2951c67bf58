// Dynamic soft label assignment (NanoDet-Plus), first pass, an invocation for four neighbouring locations: the student's box where a
// centre is inside an object. The including file declares `student_box`.

struct Params {
  batch: u32,
  level_count: u32,
  half_side: f32,
  centre_offset: f32,
  bins: u32,
  levels: array<vec4u, 8>,
  box_layout: array<vec4u, 8>,
  projection: array<vec4f, 16>,
}

@group(0) @binding(0) var<uniform> params: Params;
/// [G] xyxy pixels
@group(0) @binding(2) var<storage, read> boxes: array<vec4f>;
@group(0) @binding(3) var<storage, read> image_starts: array<u32>;
/// [B] width and height, pixels
@group(0) @binding(4) var<storage, read> image_sizes: array<vec2u>;
/// [locations]: box in pixels, NO_BOX where the location is no candidate
@group(0) @binding(5) var<storage, read_write> located: array<vec4f>;

#include "../lib/index.wgsl"
#include "../lib/layout.wgsl"
#include "../lib/grid.wgsl"
#include "../lib/bin_values.wgsl"
#include "../lib/box_parameters.wgsl"
#include "quads.wgsl"
#include "student_quads.wgsl"
#include "no_box.wgsl"

fn are_candidates(at: Quad, cells: QuadCells, centres: QuadCentres) -> vec4<bool> {
  var inside = vec4<bool>();
  for (var g = image_starts[at.image]; g < image_starts[at.image + 1u]; g++) {
    inside |= quad_margins(centres, boxes[g]) > vec4f();
  }
  return inside & quad_valid(at, cells, image_sizes[at.image]);
}

fn find_candidates(index: u32) {
  let at = quad_of(index);
  if (at.count == 0u) {
    return;
  }
  let cells = quad_cells(at);
  let centres = quad_centres(at, cells);
  let candidates = are_candidates(at, cells, centres);
  var edges: QuadEdges;
  if (any(candidates)) {
    edges = expected_edges(at);
  }
  let first = quad_location(at);
  for (var i = 0u; i < at.count; i++) {
    var predicted = NO_BOX;
    if (candidates[i]) {
      predicted = quad_box(at, &edges, vec2f(centres.x[i], centres.y[i]), i);
    }
    located[first + i] = predicted;
  }
}
