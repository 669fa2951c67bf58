// LD of a row that is no positive, a member of the VLR (LD spec 4.5): its four edges and their gradient. Most of the listed rows
// are such, so every logit is read once and the loops over bins are written out.
// The kernel that includes this has student_at, teacher_at and set_gradient, which take an element, and params.temperature.

#include "../lib/bins.wgsl"
#include "../lib/kl.wgsl"
#include "head_line.wgsl"

/// ℓ = (T²/K) Σ p (ln p − ln q), its gradient (T/K) (q − p), both times `factor`.
fn ld_terms(line: Line, teacher_line: Line, factor: f32) -> f32 {
  let cold = 1.0 / params.temperature;
  let scale = params.temperature / f32(BINS);
  var kl = 0.0;
  for (var edge = 0u; edge < 4u; edge++) {
    let first = line.first + edge * BINS * line.step;
    let teacher_first = teacher_line.first + edge * BINS * teacher_line.step;
    var z: Bins;
    var taught: Bins;
    for (var k = 0u; k < BINS; k++) { // unroll
      z[k] = student_at(first + k * line.step);
    }
    for (var k = 0u; k < BINS; k++) { // unroll
      taught[k] = teacher_at(teacher_first + k * teacher_line.step);
    }
    var p: Bins;
    var q: Bins;
    let sums = vec2f(powers_of_bins(&taught, &p, cold), powers_of_bins(&z, &q, cold));
    let shares = 1.0 / sums;
    let log_ratio = log(sums.x) - log(sums.y);
    for (var k = 0u; k < BINS; k++) { // unroll
      let part = divergence_of(p[k] * shares.x, q[k] * shares.y, z[k] - taught[k] + log_ratio);
      kl += part.x;
      set_gradient(first + k * line.step, factor * scale * part.y);
    }
  }
  return factor * params.temperature * scale * kl;
}
