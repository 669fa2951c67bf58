#include "bins.wgsl"
#include "logistic.wgsl"

// Kullback-Leibler divergence with a relative error of a few roundings, however close the distributions are. Summed as
// written, p (ln p - ln q) has terms of both signs that all but cancel when T is high. Since sum_k (q_k - p_k) = 0,
//   KL = sum_k p_k (ln p_k - ln q_k) = sum_k [ p_k (ln p_k - ln q_k) - p_k + q_k ] = sum_k p_k (e^v - 1 - v),
// v = ln q_k - ln p_k: no term is negative, so LD(z, z) = 0 and LD >= 0 hold in f32 too.

/// One outcome: (p (e^v - 1 - v), q - p) from the logarithms of p (teacher) and q (student). p = 0 gives (q, q).
fn divergence(log_p: f32, log_q: f32) -> vec2f {
  let p = exp(log_p);
  let v = log_q - log_p;
  if (abs(v) < 0.5) {
    let tail = 1.0 / 120.0 + v * (1.0 / 720.0 + v * (1.0 / 5040.0 + v * (1.0 / 40320.0)));
    let rest = v * v * (0.5 + v * (1.0 / 6.0 + v * (1.0 / 24.0 + v * tail)));
    return vec2f(p * rest, p * (v + rest));
  }
  let difference = exp(log_q) - p;
  return vec2f(difference - p * v, difference);
}

/// KL(teacher || student) over the bins of one edge, both after `shift_bins` with the same temperature.
/// student <- q - p, so that the loss (T^2 / K) KL has the gradient (T / K) (q - p); teacher is left as it is.
fn divergence_bins(
  student: ptr<function, Bins>, student_log_sum: f32,
  teacher: ptr<function, Bins>, teacher_log_sum: f32,
) -> f32 {
  var sum = 0.0;
  for (var k = 0u; k < BINS; k++) {
    let part = divergence((*teacher)[k] - teacher_log_sum, (*student)[k] - student_log_sum);
    sum += part.x;
    (*student)[k] = part.y;
  }
  return sum;
}

/// KL between the Bernoulli distributions sigmoid(teacher) and sigmoid(student): (KL, q - p). Logits are already over T.
fn binary_divergence(student: f32, teacher: f32) -> vec2f {
  let q = logistic(student);
  let p = logistic(teacher);
  let present = divergence(min(teacher, 0.0) - p.tail, min(student, 0.0) - q.tail);
  let absent = divergence(min(-teacher, 0.0) - p.tail, min(-student, 0.0) - q.tail);
  return vec2f(present.x + absent.x, present.y);
}
