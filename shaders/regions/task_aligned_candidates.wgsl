// Task-aligned assignment (Feng et al., ICCV 2021, as in YOLOv8 to YOLO12), first pass: one invocation a location. Where its centre is
// inside an object: the student's box, and the object that takes the location where several choose it, that of largest
// overlap among all of the image, then of lowest index.

struct Params {
  batch: u32,
  level_count: u32,
  half_side: f32,
  centre_offset: f32,
  locations: u32,
  bins: u32,
  /// the entry of `chosen` of the first location's owner
  first_owner: u32,
  levels: array<vec4u, 8>,
  box_layout: array<vec4u, 8>,
}
/// Whether overlaps count only where the centre is inside the object (Ultralytics since 2023).
override MASKED: bool = true;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> student_box: array<f32>;
/// [G] xyxy pixels
@group(0) @binding(2) var<storage, read> boxes: array<vec4f>;
/// [B + 1]
@group(0) @binding(3) var<storage, read> image_starts: array<u32>;
/// [B] width and height, pixels
@group(0) @binding(4) var<storage, read> image_sizes: array<vec2u>;
/// [locations]: box in pixels, without area where no object can be learnt
@group(0) @binding(5) var<storage, read_write> located: array<vec4f>;
/// [G, topk] of task_aligned_choose.wgsl, then [locations]: owner of a candidate
@group(0) @binding(6) var<storage, read_write> chosen: array<u32>;

#include "../lib/index.wgsl"
#include "../lib/pyramid.wgsl"
#include "../lib/layout.wgsl"
#include "../lib/grid.wgsl"
#include "../lib/boxes.wgsl"
#include "../lib/box_parameters.wgsl"
#include "student_box.wgsl"
#include "task_overlap.wgsl"
#include "task_reach.wgsl"

struct Reached {
  count: u32,
  last: u32,
}

fn objects_that_reach(image: u32, centre: vec2f) -> Reached {
  var reached = Reached();
  for (var g = image_starts[image]; g < image_starts[image + 1u]; g++) {
    if (reaches(reach_of(boxes[g]), centre)) {
      reached = Reached(reached.count + 1u, g);
    }
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

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(num_workgroups) workgroups: vec3u, @builtin(local_invocation_index) local: u32) {
  let location = linear_index(workgroup, workgroups, local, 64u);
  if (location >= params.locations) {
    return;
  }
  let at = locate(location);
  let centre = anchor_centre(at.level, at.index);
  var reached = Reached();
  if (is_valid(at.level, at.index, image_sizes[at.image])) {
    reached = objects_that_reach(at.image, centre);
  }
  if (reached.count == 0u) {
    located[location] = vec4f();
    return;
  }
  let predicted = student_box_at(at.level, at.image, at.index);
  located[location] = predicted;
  var owner = reached.last;
  if (!MASKED || reached.count > 1u) {
    owner = best_object(at.image, centre, predicted);
  }
  chosen[params.first_owner + location] = owner;
}
