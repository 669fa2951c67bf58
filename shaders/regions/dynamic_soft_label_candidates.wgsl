// Dynamic soft label assignment (NanoDet-Plus), first pass: one invocation four neighbouring locations. Where a centre is
// inside an object: the student's box, the class term of the cost without the object's class, and the object that takes the location
// where several choose it, that of lowest cost among all of the image, then of lowest index. The file that includes this brings
// `student_box` and `student_class`.

struct Params {
  batch: u32,
  level_count: u32,
  half_side: f32,
  centre_offset: f32,
  classes: u32,
  bins: u32,
  iou_weight: f32,
  /// the entry of `chosen` of the first location's owner
  first_owner: u32,
  levels: array<vec4u, 8>,
  class_layout: array<vec4u, 8>,
  box_layout: array<vec4u, 8>,
}

@group(0) @binding(0) var<uniform> params: Params;
/// [G] xyxy pixels
@group(0) @binding(3) var<storage, read> boxes: array<vec4f>;
/// [G]
@group(0) @binding(4) var<storage, read> labels: array<i32>;
/// [B + 1]
@group(0) @binding(5) var<storage, read> image_starts: array<u32>;
/// [B] width and height, pixels
@group(0) @binding(6) var<storage, read> image_sizes: array<vec2u>;
/// [locations, 2]: box in pixels, NO_BOX where the location is no candidate; then a OtherClasses
@group(0) @binding(7) var<storage, read_write> located: array<vec4f>;
/// [G, topk] of dynamic_soft_label_choose.wgsl, then [locations]: owner of a candidate
@group(0) @binding(8) var<storage, read_write> chosen: array<u32>;

#include "../lib/index.wgsl"
#include "../lib/layout.wgsl"
#include "../lib/grid.wgsl"
#include "../lib/boxes.wgsl"
#include "../lib/box_parameters.wgsl"
#include "../lib/qfl.wgsl"
#include "../lib/qfl_background.wgsl"
#include "quads.wgsl"
#include "student_quads.wgsl"
#include "soft_label_cost.wgsl"

fn are_candidates(at: Quad) -> vec4<bool> {
  let cells = quad_cells(at);
  let centres = quad_centres(at, cells);
  var inside = vec4<bool>();
  for (var g = image_starts[at.image]; g < image_starts[at.image + 1u]; g++) {
    inside |= quad_margins(centres, boxes[g]) > vec4f();
  }
  return inside & quad_valid(at, cells, image_sizes[at.image]);
}

/// The class terms of four locations where no class is the object's.
struct QuadOthers {
  rest: vec4f,
  largest: vec4f,
  class_index: vec4u,
}

fn quad_others(at: Quad) -> QuadOthers {
  let entry = params.class_layout[at.level];
  let first = strided(entry, at.image, 0u, at.cell);
  var found = QuadOthers();
  for (var c = 0u; c < params.classes; c++) {
    let loss = qfl_background(class_quad(first + c * entry.z, entry.w), 2.0).loss;
    found.rest += min(loss, found.largest);
    found.class_index = select(found.class_index, vec4u(c), loss > found.largest);
    found.largest = max(found.largest, loss);
  }
  return found;
}

/// Objects that the box does not touch are looked at only where a touched one costs more than the least that they can cost.
fn cheapest_object(at: Quad, i: u32, predicted: vec4f, others: OtherClasses) -> u32 {
  let entry = params.class_layout[at.level];
  var best = image_starts[at.image];
  var lowest = 3.0e38;
  for (var turn = 0u; turn < 2u; turn++) {
    if (turn == 1u && lowest < apart_cost()) {
      break;
    }
    for (var g = image_starts[at.image]; g < image_starts[at.image + 1u]; g++) {
      let overlap = box_iou(predicted, boxes[g]);
      if ((overlap > 0.0) == (turn == 1u)) {
        continue;
      }
      let least = overlap_cost(overlap);
      if (least <= lowest) {
        let class_index = u32(labels[g]);
        let logit = class_logit(strided(entry, at.image, class_index, at.cell + i));
        let cost = least + class_cost(others, class_index, logit, overlap);
        if (cost < lowest || (cost == lowest && g < best)) {
          lowest = cost;
          best = g;
        }
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
  let candidates = are_candidates(at);
  var edges: QuadEdges;
  var quads: QuadOthers;
  if (any(candidates)) {
    edges = expected_edges(at);
    quads = quad_others(at);
  }
  let first = quad_location(at);
  let centres = quad_centres(at, quad_cells(at));
  for (var i = 0u; i < at.count; i++) {
    let location = first + i;
    if (!candidates[i]) {
      located[2u * location] = NO_BOX;
      continue;
    }
    let predicted = quad_box(at, &edges, vec2f(centres.x[i], centres.y[i]), i);
    let others = OtherClasses(quads.rest[i], quads.largest[i], quads.class_index[i]);
    located[2u * location] = predicted;
    located[2u * location + 1u] = pack_others(others);
    chosen[params.first_owner + location] = cheapest_object(at, i, predicted, others);
  }
}
