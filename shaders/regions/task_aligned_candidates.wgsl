// Task-aligned assignment (Feng et al., ICCV 2021, as in YOLOv8 to YOLO12), first pass, an invocation for four neighbouring locations. Where a
// centre is inside an object: the student's box, and the object that takes the location where several choose it, that of largest overlap
// among all of the image, then of lowest index. The including file declares `student_box`.

struct Params {
  batch: u32,
  level_count: u32,
  half_side: f32,
  centre_offset: f32,
  bins: u32,
  /// the entry of `chosen` of the first location's owner
  first_owner: u32,
  levels: array<vec4u, 8>,
  box_layout: array<vec4u, 8>,
  projection: array<vec4f, 16>,
}
/// Overlaps count only where the centre is inside the object (Ultralytics since 2023).
override MASKED: bool = true;

@group(0) @binding(0) var<uniform> params: Params;
/// [G] xyxy pixels
@group(0) @binding(2) var<storage, read> boxes: array<vec4f>;
@group(0) @binding(3) var<storage, read> image_starts: array<u32>;
/// [B] width and height, pixels
@group(0) @binding(4) var<storage, read> image_sizes: array<vec2u>;
/// [locations]: box in pixels, without area where no object can be learnt
@group(0) @binding(5) var<storage, read_write> located: array<vec4f>;
/// [G, topk] of task_aligned_choose.wgsl, then [locations]: owner of a candidate
@group(0) @binding(6) var<storage, read_write> chosen: array<u32>;

#include "../lib/index.wgsl"
#include "../lib/layout.wgsl"
#include "../lib/grid.wgsl"
#include "../lib/boxes.wgsl"
#include "../lib/bin_values.wgsl"
#include "../lib/box_parameters.wgsl"
#include "quads.wgsl"
#include "student_quads.wgsl"
#include "task_overlap.wgsl"
#include "task_reach.wgsl"

struct Reached {
  count: vec4u,
  last: vec4u,
}

fn objects_that_reach(image: u32, centres: QuadCentres) -> Reached {
  var reached = Reached();
  for (var g = image_starts[image]; g < image_starts[image + 1u]; g++) {
    let inside = quad_margins(centres, reach_of(boxes[g])) > vec4f(REACH_MARGIN);
    reached.count += select(vec4u(), vec4u(1u), inside);
    reached.last = select(reached.last, vec4u(g), inside);
  }
  return reached;
}

fn best_object(image: u32, centre: vec2f, predicted: vec4f) -> u32 {
  var best = image_starts[image];
  var highest = -1.0;
  for (var g = image_starts[image]; g < image_starts[image + 1u]; g++) {
    if (!MASKED || reaches(reach_of(boxes[g]), centre)) {
      let overlap = task_overlap(predicted, boxes[g]);
      if (overlap > highest) {
        highest = overlap;
        best = g;
      }
    }
  }
  return best;
}

fn find_candidates(index: u32) {
  let at = quad_of(index);
  if (at.count == 0u) {
    return;
  }
  let cells = quad_cells(at);
  let centres = quad_centres(at, cells);
  var reached = objects_that_reach(at.image, centres);
  reached.count = select(vec4u(), reached.count, quad_valid(at, cells, image_sizes[at.image]));
  let first = quad_location(at);
  var edges: QuadEdges;
  if (any(reached.count > vec4u())) {
    edges = expected_edges(at);
  }
  for (var i = 0u; i < at.count; i++) {
    var predicted = vec4f();
    if (reached.count[i] > 0u) {
      let centre = vec2f(centres.x[i], centres.y[i]);
      predicted = quad_box(at, &edges, centre, i);
      var owner = reached.last[i];
      if (!MASKED || reached.count[i] > 1u) {
        owner = best_object(at.image, centre, predicted);
      }
      chosen[params.first_owner + first + i] = owner;
    }
    located[first + i] = predicted;
  }
}
