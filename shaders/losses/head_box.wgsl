// Box loss (terms/giou.wgsl and the like) and DFL (Li et al., NeurIPS 2020, eq. 6) of the positives with their gradients, an invocation
// a positive. A head without distributions (one bin: YOLO26) has the L1 distance of the edges in place of DFL.

struct Params {
#include "head_box_fields.wgsl"
  image_slots: u32,
  /// DFL targets end this share of the last step of values before the last bin's
  margin: f32,
  /// of teacher-bounded regression, in units of the box loss
  bounded_weight: f32,
  /// pixels
  image_width: f32,
  image_height: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
/// [T] xyxy pixels
@group(0) @binding(8) var<storage, read> targets: array<vec4f>;

override BOUNDED: bool = false;
/// Whether the gradient already holds that of distillation at all locations.
override ADDS: bool = false;

#include "head_box_pass.wgsl"
#include "../lib/overlap.wgsl"
#include "../lib/box_parameters.wgsl"
#include "head_centre.wgsl"
#include "head_edges.wgsl"

fn put(element: u32, slope: f32) {
  if (ADDS) {
    gradient[element] += slope;
  } else {
    gradient[element] = slope;
  }
}

/// Loss of the expected edges, and its gradient with respect to them; boxes in strides.
fn box_term(expected: vec4f, box: vec4f, centre: vec2f, at: Place) -> BoxLoss {
  var loss = box_loss(decoded(expected, centre), box);
  if (BOUNDED) {
    // Chen et al., NeurIPS 2017, eq. 5: the loss counts once more where the student's box is worse than the teacher's.
    var bound: vec4f;
    for (var edge = 0u; edge < 4u; edge++) {
      bound[edge] = teacher_edge(at.level, at.image, at.index, edge);
    }
    let limit = box_loss(decoded(bound, centre), box).loss;
    // `<=`: a NaN loss of the student's does not pass for a good one.
    let weight = 1.0 + select(params.bounded_weight, 0.0, loss.loss <= limit || !is_taught(at.level));
    loss = BoxLoss(weight * loss.loss, weight * loss.gradient);
  }
  return BoxLoss(loss.loss, decode_pullback(expected, loss.gradient, params.anchor, params.bins));
}

/// DFL of an edge. Writes the gradient with respect to its logits.
fn edge_term(first: u32, step: u32, edge_target: f32, expected: f32, box_slope: f32, dfl_factor: f32) -> f32 {
  let powers = student_powers(first, step, 1.0);
  let log_sum = log(powers.y);
  var loss = 0.0;
  for (var k = 0u; k < params.bins; k++) {
    let element = first + k * step;
    let log_p = student[element] - powers.x - log_sum;
    let p = exp(log_p);
    var share = two_hot(k, edge_target);
    if (TABLE) {
      share = value_share(k, edge_target, params.bins);
    }
    // A branch: 0 · −∞ would be NaN where the logits are far apart.
    if (share > 0.0) {
      loss -= share * log_p;
    }
    put(element, box_slope * p * (value_of(k) - expected) + dfl_factor * (p - share));
  }
  return loss;
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(num_workgroups) workgroups: vec3u, @builtin(local_invocation_index) local: u32) {
  let image = workgroup.y;
  let before = count_before(image, COUNT_POSITIVES);
  let part = part_of(0u, count_of(image, COUNT_POSITIVES), workgroup.x, workgroups.x);
  for (var i = part.x + local; i < part.y; i += ROWS) {
    let sample = samples[image * params.image_slots + i];
    let record = RECORD * (before + i);
    let at = place_of(sample.location, image);
    let entry = params.student_layout[at.level];
    let centre = centre_of(at);
    let box = targets[sample.assigned >> 16u] / f32(params.levels[at.level].w);
    let expected = recorded_edges(record);
    let weight = bitcast<f32>(records[record + RECORD_BOX_WEIGHT]);
    let box_factor = weight * factors[factor_at(TERM_BBOX, at.level)];
    let dfl_factor = weight * factors[factor_at(TERM_DFL, at.level)];
    let term = box_term(expected, box, centre, at);
    let edges = encode_box(box, centre, params.anchor, params.bins);
    let highest = value_of(params.bins - 1u);
    let last = highest - params.margin * (highest - value_of(max(params.bins, 2u) - 2u));
    let extent = vec4f(vec2f(params.image_width, params.image_height), vec2f(params.image_width, params.image_height));
    // A stride as a share of the image, edge by edge.
    let shares = f32(params.levels[at.level].w) / extent;
    var dfl = 0.0;
    for (var edge = 0u; edge < 4u; edge++) {
      let first = strided(entry, image, edge * params.bins, at.index);
      if (params.bins == 1u) {
        let difference = expected[edge] - edges[edge];
        dfl += abs(difference) * shares[edge];
        put(first, box_factor * term.gradient[edge] + dfl_factor * shares[edge] * sign(difference));
        continue;
      }
      dfl += edge_term(first, entry.z, clamp(edges[edge], value_of(0u), last), expected[edge], box_factor * term.gradient[edge], dfl_factor);
    }
    records[record + TERM_BBOX] = coded(box_factor * term.loss, sample.location);
    records[record + TERM_DFL] = coded(dfl_factor * dfl, sample.location);
  }
}
