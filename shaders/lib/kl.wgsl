#include "logistic.wgsl"

// Kullback-Leibler divergence with a relative error of a few roundings, however close the distributions are. Summed as
// written, p (ln p - ln q) has terms of both signs that all but cancel when T is high. Since sum_k (q_k - p_k) = 0,
//   KL = sum_k p_k (ln p_k - ln q_k) = sum_k [ p_k (ln p_k - ln q_k) - p_k + q_k ] = sum_k p_k (e^v - 1 - v),
// v = ln q_k - ln p_k: no term is negative, so LD(z, z) = 0 and LD >= 0 hold in f32 too.

/// One outcome: (p (e^v - 1 - v), q - p) from the logarithms of p (teacher) and q (student). p = 0 gives (q, q).
fn divergence(log_p: f32, log_q: f32) -> vec2f {
  return divergence_of(exp(log_p), exp(log_q), log_q - log_p);
}

/// For p and q that are known: v = ln q - ln p.
fn divergence_of(p: f32, q: f32, v: f32) -> vec2f {
  // e^v - 1 - v as its series where the subtraction would cancel; omitted terms are below 1e-7 of it for |v| < 1/2.
  let tail = 1.0 / 120.0 + v * (1.0 / 720.0 + v * (1.0 / 5040.0 + v * (1.0 / 40320.0)));
  let rest = v * v * (0.5 + v * (1.0 / 6.0 + v * (1.0 / 24.0 + v * tail)));
  let difference = q - p;
  return select(vec2f(difference - p * v, difference), vec2f(p * rest, p * (v + rest)), abs(v) < 0.5);
}

/// KL between the Bernoulli distributions sigmoid(teacher) and sigmoid(student): (KL, q - p). Logits are already over T.
fn binary_divergence(student: f32, teacher: f32) -> vec2f {
  let q = logistic(student);
  let p = logistic(teacher);
  let present = divergence(min(teacher, 0.0) - p.tail, min(student, 0.0) - q.tail);
  let absent = divergence(min(-teacher, 0.0) - p.tail, min(-student, 0.0) - q.tail);
  return vec2f(present.x + absent.x, present.y);
}
