// GIoU (or CIoU), DFL and LD of the four edges of a positive (LD spec 4.2–4.5) and the gradient of all of them, written once.
// Positives are few, so the loops over bins read the logits again, and stay loops: they end at a uniform.
// The kernel that includes this has the fields of head_positive_fields.wgsl in `params`, student_at, teacher_at and
// set_gradient, which take an element, and the bindings `factors` and `records`.

override CIOU: bool = false;
/// Whether the recipe has LD on the positives (main region or VLR), and teacher-bounded regression.
override DISTIL: bool = false;
override BOUNDED: bool = false;

#include "../lib/kl.wgsl"
#include "../lib/giou.wgsl"
#include "../lib/box_parameters.wgsl"
#include "../lib/two_hot.wgsl"
#include "head_line.wgsl"
#include "head_centre.wgsl"

/// Weights over their normalisers times those of the positive.
struct Factors {
  box: f32,
  dfl: f32,
  ld: f32,
  ld_vlr: f32,
}

/// Expected edge of the teacher, in bins.
fn taught_edge(line: Line, edge: u32) -> f32 {
  var highest = -3.0e38;
  for (var k = 0u; k < params.bins; k++) {
    highest = max(highest, teacher_at(line.first + (edge * params.bins + k) * line.step));
  }
  var sum = 0.0;
  var moment = 0.0;
  for (var k = 0u; k < params.bins; k++) {
    let power = exp(teacher_at(line.first + (edge * params.bins + k) * line.step) - highest);
    sum += power;
    moment += f32(k) * power;
  }
  return moment / sum;
}

fn overlap_loss(predicted: vec4f, box: vec4f) -> BoxLoss {
  if (CIOU) {
    return ciou_loss(predicted, box);
  }
  return giou_loss(predicted, box);
}

/// Loss of the expected edges, and its gradient with respect to them.
fn box_term(expected: vec4f, box: vec4f, centre: vec2f, teacher_line: Line) -> BoxLoss {
  var overlap = overlap_loss(decode_box(expected, centre, params.anchor, params.bins), box);
  if (BOUNDED) {
    // Teacher-bounded regression: where the student's box is worse than the teacher's its loss counts once more.
    var taught: vec4f;
    for (var edge = 0u; edge < 4u; edge++) {
      taught[edge] = taught_edge(teacher_line, edge);
    }
    let bound = overlap_loss(decode_box(taught, centre, params.anchor, params.bins), box).loss;
    // By `<=`, so that a student's loss that is NaN is not taken for a good one.
    let weight = 1.0 + select(params.bounded_weight, 0.0, overlap.loss <= bound);
    overlap = BoxLoss(weight * overlap.loss, weight * overlap.gradient);
  }
  return BoxLoss(overlap.loss, decode_pullback(expected, overlap.gradient, params.anchor, params.bins));
}

/// All terms of a positive: box, DFL, LD main, LD VLR.
fn positive_terms(expected: vec4f, box: vec4f, centre: vec2f, factors: Factors, line: Line, teacher_line: Line) -> vec4f {
  let term = box_term(expected, box, centre, teacher_line);
  let targets = clamp(encode_box(box, centre, params.anchor, params.bins), vec4f(), vec4f(f32(params.bins - 1u) - params.margin));
  // LD: ℓ = (T²/K) Σ p (ln p − ln q), its gradient (T/K) (q − p)
  let ld_scale = params.temperature / f32(params.bins);
  let cold = 1.0 / params.temperature;
  let ld_factor = factors.ld + factors.ld_vlr;
  var dfl = 0.0;
  var kl = 0.0;
  for (var edge = 0u; edge < 4u; edge++) {
    let first = line.first + edge * params.bins * line.step;
    let teacher_first = teacher_line.first + edge * params.bins * teacher_line.step;
    // of student and teacher
    var highest = vec2f(-3.0e38);
    for (var k = 0u; k < params.bins; k++) {
      highest.x = max(highest.x, student_at(first + k * line.step));
      if (DISTIL) {
        highest.y = max(highest.y, teacher_at(teacher_first + k * teacher_line.step));
      }
    }
    var sum = 0.0;
    var cold_sums = vec2f();
    for (var k = 0u; k < params.bins; k++) {
      let z = student_at(first + k * line.step) - highest.x;
      sum += exp(z);
      if (DISTIL) {
        cold_sums += exp(cold * vec2f(z, teacher_at(teacher_first + k * teacher_line.step) - highest.y));
      }
    }
    let log_sum = log(sum);
    let log_sums = log(cold_sums);
    for (var k = 0u; k < params.bins; k++) {
      let element = first + k * line.step;
      let z = student_at(element) - highest.x;
      let log_p = z - log_sum;
      let p = exp(log_p);
      let share = two_hot(k, targets[edge]);
      // by a branch: 0 · −∞ would be NaN where the logits are far apart
      if (share > 0.0) {
        dfl -= share * log_p;
      }
      var slope = factors.box * term.gradient[edge] * p * (f32(k) - expected[edge]) + factors.dfl * (p - share);
      if (DISTIL && ld_factor != 0.0) {
        let taught = cold * (teacher_at(teacher_first + k * teacher_line.step) - highest.y) - log_sums.y;
        let part = divergence(taught, cold * z - log_sums.x);
        kl += part.x;
        slope += ld_factor * ld_scale * part.y;
      }
      set_gradient(element, slope);
    }
  }
  kl *= params.temperature * ld_scale;
  return vec4f(factors.box * term.loss, factors.dfl * dfl, factors.ld * kl, factors.ld_vlr * kl);
}

/// A positive with a known record; adds its losses to it. `box` in strides.
fn do_positive(sample: Sample, at: Place, box: vec4f, record: u32, line: Line, teacher_line: Line) {
  var expected: vec4f;
  for (var edge = 0u; edge < 4u; edge++) {
    expected[edge] = bitcast<f32>(records[record + RECORD_EDGES + edge]);
  }
  let weight = bitcast<f32>(records[record + RECORD_BOX_WEIGHT]);
  let ld_weight = bitcast<f32>(records[record + RECORD_LD_WEIGHT]);
  let own = Factors(weight * factors[0], weight * factors[1], ld_weight * factors[2], sample.vlr * factors[3]);
  let losses = positive_terms(expected, box, centre_of(at), own, line, teacher_line);
  for (var i = 0u; i < 4u; i++) {
    records[record + RECORD_BOX + i] = coded(losses[i], sample.location);
  }
}
