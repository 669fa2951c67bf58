// Task-aligned assignment, last pass: one workgroup an image. A positive's target score: its metric over the largest of its object's positives
// (+ 1e-9), times the largest overlap of these.

struct Params {
  batch: u32,
  level_count: u32,
  half_side: f32,
  centre_offset: f32,
  image_slots: u32,
  alpha: f32,
  beta: f32,
  levels: array<vec4u, 8>,
  class_layout: array<vec4u, 8>,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> student_class: array<f32>;
/// [locations], of task_aligned_candidates.wgsl
@group(0) @binding(2) var<storage, read> located: array<vec4f>;
/// [G] xyxy pixels
@group(0) @binding(3) var<storage, read> boxes: array<vec4f>;
/// [G, 2]: bits of the largest metric and overlap of an object's positives; zeros before
@group(0) @binding(4) var<storage, read_write> maxima: array<atomic<u32>>;
@group(0) @binding(5) var<storage, read_write> samples: array<Sample>;
@group(0) @binding(6) var<storage, read_write> counts: array<f32>;

#include "../lib/pyramid.wgsl"
#include "../lib/layout.wgsl"
#include "../lib/boxes.wgsl"
#include "../lib/logistic.wgsl"
#include "sample.wgsl"
#include "task_overlap.wgsl"
#include "task_metric.wgsl"
#include "score_sum.wgsl"

const METRIC_EPSILON = 1e-9;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_index) local: u32) {
  let image = workgroup.x;
  let first = image * params.image_slots;
  let end = first + u32(counts[image * COUNTS + COUNT_POSITIVES]);
  for (var i = first + local; i < end; i += LANES) {
    let sample = samples[i];
    let g = sample.assigned >> 16u;
    let at = locate(sample.location);
    let overlap = task_overlap(located[sample.location], boxes[g]);
    var metric = 0.0;
    if (overlap > 0.0) {
      let logit = student_class[strided(params.class_layout[at.level], at.image, sample.assigned & 0xffffu, at.index)];
      metric = exp(log_metric(logit, overlap));
    }
    // The bits of numbers that are not negative are in their order.
    atomicMax(&maxima[2u * g], bitcast<u32>(metric));
    atomicMax(&maxima[2u * g + 1u], bitcast<u32>(overlap));
    samples[i].score = metric;
  }
  storageBarrier();
  var sum = 0.0;
  for (var i = first + local; i < end; i += LANES) {
    let g = samples[i].assigned >> 16u;
    let largest = bitcast<f32>(atomicLoad(&maxima[2u * g]));
    let score = samples[i].score / (largest + METRIC_EPSILON) * bitcast<f32>(atomicLoad(&maxima[2u * g + 1u]));
    samples[i].score = score;
    sum += score;
  }
  write_score_sum(sum, image, local);
}
