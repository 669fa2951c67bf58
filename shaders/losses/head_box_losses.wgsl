// GIoU (or CIoU), DFL and LD of the four edges of a row (LD spec 4.2–4.5) and the gradient of all of them, written once.
// The kernel that includes this has the fields of `params` named here, the binding `class_partials` of head_class.wgsl, true_box
// (a ground truth in pixels), and student_at, teacher_at and set_gradient, which take an element.

override CIOU: bool = false;

#include "../lib/bins.wgsl"
#include "../lib/kl.wgsl"
#include "../lib/giou.wgsl"
#include "../lib/box_parameters.wgsl"
#include "head_row.wgsl"
#include "head_list.wgsl"
#include "head_coded.wgsl"

/// Added to Σ score by the reference, so that a batch without positives divides by it instead of by zero.
const EPSILON = 1e-6;

/// Rows or quads of a workgroup, and of one of head_class.wgsl; what that writes a workgroup.
const ROWS = 64u;
const PARTIALS = 32u;

struct Factors {
  box: f32,
  dfl: f32,
  ld: f32,
  ld_vlr: f32,
}

/// Σ score of all positives. Every invocation adds for itself: a barrier would cost software adapters more.
fn score_sum() -> f32 {
  let groups = (listed(params.scored) + ROWS - 1u) / ROWS;
  var sum = 0.0;
  for (var group = 0u; group < groups; group++) {
    for (var level = 0u; level < params.level_count; level++) {
      sum += bitcast<f32>(class_partials[PARTIALS * group + 24u + level].x);
    }
  }
  return sum;
}

/// Weight of LD in the VLR over its normaliser.
fn vlr_factor_of() -> f32 {
  if (params.ld_normaliser == 0u) {
    return params.ld_vlr_weight / 16.0;
  }
  if (params.ld_normaliser == 2u) {
    return params.ld_vlr_weight;
  }
  var sum = 0.0;
  for (var image = 0u; image < params.batch; image++) {
    sum += counts[image * COUNTS + COUNT_VLR_WEIGHT];
  }
  return params.ld_vlr_weight / (4.0 * (sum + EPSILON));
}

/// Weights over their normalisers.
fn factors_of() -> Factors {
  let score = score_sum();
  let positives = f32(max(listed(COUNT_POSITIVES), 1u));
  let box_count = select(select(1.0, positives, params.box_normaliser == 1u), score + EPSILON, params.box_normaliser == 0u);
  let ld = array<f32, 3>(0.25, 0.25 / (score + EPSILON), 1.0)[params.ld_normaliser] * params.ld_weight;
  return Factors(params.box_weight / box_count, params.dfl_weight / 4.0 / box_count, ld, vlr_factor_of());
}

/// Where the logits of a row lie: those of channel c at element first + c · step.
struct Line {
  first: u32,
  step: u32,
}

fn load_student(z: ptr<function, Bins>, line: Line, edge: u32) {
  for (var k = 0u; k < BINS; k++) { // unroll
    (*z)[k] = student_at(line.first + (edge * BINS + k) * line.step);
  }
}

fn load_teacher(z: ptr<function, Bins>, line: Line, edge: u32) {
  for (var k = 0u; k < BINS; k++) { // unroll
    (*z)[k] = teacher_at(line.first + (edge * BINS + k) * line.step);
  }
}

struct BoxTerm {
  loss: f32,
  expected: vec4f,
  /// with respect to the expected bins
  gradient: vec4f,
  /// of DFL, in bins
  targets: vec4f,
}

fn overlap_loss(predicted: vec4f, box: vec4f) -> BoxLoss {
  if (CIOU) {
    return ciou_loss(predicted, box);
  }
  return giou_loss(predicted, box);
}

fn box_term(at: Place, row: Row, line: Line, teacher_line: Line) -> BoxTerm {
  var term: BoxTerm;
  for (var edge = 0u; edge < 4u; edge++) {
    var z: Bins;
    load_student(&z, line, edge);
    softmax_bins(&z, 1.0);
    term.expected[edge] = expectation(&z);
  }
  let box = true_box(row.assigned >> 16u) / f32(params.levels[at.level].w);
  let centre = centre_of(at);
  let overlap = overlap_loss(decode_box(term.expected, centre, params.anchor), box);
  // Teacher-bounded regression: where the student's box is worse than the teacher's its loss counts once more.
  var weight = 1.0;
  if (params.bounded_weight > 0.0) {
    var taught: vec4f;
    for (var edge = 0u; edge < 4u; edge++) {
      var z: Bins;
      load_teacher(&z, teacher_line, edge);
      softmax_bins(&z, 1.0);
      taught[edge] = expectation(&z);
    }
    let bound = overlap_loss(decode_box(taught, centre, params.anchor), box).loss;
    // By `<=`, so that a student's loss that is NaN is not taken for a good one.
    weight += select(params.bounded_weight, 0.0, overlap.loss <= bound);
  }
  term.loss = weight * overlap.loss;
  term.gradient = decode_pullback(term.expected, weight * overlap.gradient, params.anchor);
  term.targets = clamp(encode_box(box, centre, params.anchor), vec4f(), vec4f(f32(BINS - 1u) - params.margin));
  return term;
}

/// All terms of a row: box, DFL, LD main, LD VLR.
fn row_terms(at: Place, row: Row, factors: Factors, line: Line, teacher_line: Line) -> vec4f {
  let positive = is_positive(row);
  // A positive's score is NaN where its class logits are: compared so that it passes on and is reported.
  let main_factor = select(0.0, factors.ld * row.score, positive);
  let vlr_factor = factors.ld_vlr * row.vlr;
  let ld_factor = main_factor + vlr_factor;
  let distilled = ld_factor != 0.0;
  if (!positive && !distilled) {
    return vec4f();
  }
  var term: BoxTerm;
  var box_factor = 0.0;
  var dfl_factor = 0.0;
  if (positive) {
    term = box_term(at, row, line, teacher_line);
    box_factor = factors.box * row.score;
    dfl_factor = factors.dfl * row.score;
  }
  // ℓ = (T²/K) Σ p (ln p − ln q), its gradient (T/K) (q − p)
  let ld_scale = params.temperature / f32(BINS);
  let cold = 1.0 / params.temperature;
  var dfl = 0.0;
  var kl = 0.0;
  for (var edge = 0u; edge < 4u; edge++) {
    var z: Bins;
    var slope: Bins;
    load_student(&z, line, edge);
    if (positive) {
      let log_sum = shift_bins(&z, 1.0);
      for (var k = 0u; k < BINS; k++) { // unroll
        let log_p = z[k] - log_sum;
        let p = exp(log_p);
        let share = two_hot(k, term.targets[edge]);
        // by a branch: 0 · −∞ would be NaN where the logits are far apart
        if (share > 0.0) {
          dfl -= share * log_p;
        }
        slope[k] = box_factor * term.gradient[edge] * p * (f32(k) - term.expected[edge]) + dfl_factor * (p - share);
      }
    } else {
      for (var k = 0u; k < BINS; k++) { // unroll
        slope[k] = 0.0;
      }
    }
    if (distilled) {
      var taught: Bins;
      load_teacher(&taught, teacher_line, edge);
      var p: Bins;
      var q: Bins;
      let sums = vec2f(powers_of_bins(&taught, &p, cold), powers_of_bins(&z, &q, cold));
      let shares = 1.0 / sums;
      let log_ratio = log(sums.x) - log(sums.y);
      for (var k = 0u; k < BINS; k++) { // unroll
        let part = divergence_of(p[k] * shares.x, q[k] * shares.y, z[k] - taught[k] + log_ratio);
        kl += part.x;
        slope[k] += ld_factor * ld_scale * part.y;
      }
    }
    for (var k = 0u; k < BINS; k++) { // unroll
      set_gradient(line.first + (edge * BINS + k) * line.step, slope[k]);
    }
  }
  kl *= params.temperature * ld_scale;
  return vec4f(box_factor * term.loss, dfl_factor * dfl, main_factor * kl, vlr_factor * kl);
}
