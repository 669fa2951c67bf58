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
  let rest = exp_rest(v);
  let difference = q - p;
  return select(vec2f(difference - p * v, difference), vec2f(p * rest, p * (v + rest)), abs(v) < 0.5);
}

/// e^v - 1 - v for |v| < 1/2, where the subtraction would cancel, as its series: omitted terms are below 1e-7 of it.
fn exp_rest(v: f32) -> f32 {
  let tail = 1.0 / 120.0 + v * (1.0 / 720.0 + v * (1.0 / 5040.0 + v * (1.0 / 40320.0)));
  return v * v * (0.5 + v * (1.0 / 6.0 + v * (1.0 / 24.0 + v * tail)));
}

/// KL between the Bernoulli distributions sigmoid(teacher / T) and sigmoid(student / T): (KL, q - p).
fn binary_divergence(student: f32, teacher: f32, temperature: f32) -> vec2f {
  let x = student / temperature;
  let t = teacher / temperature;
  let q = logistic(x);
  let p = logistic(t);
  // ln q - ln p, and the same of 1 - q and 1 - p. Close logits would cancel: p / q = 1 + (1 - p) (e^-d - 1), d = x - t.
  var v = vec2f(min(x, 0.0) - min(t, 0.0), min(-x, 0.0) - min(-t, 0.0)) - (q.tail - p.tail);
  let d = (student - teacher) / temperature;
  if (abs(d) < 0.5) {
    v = -vec2f(log1p_unit(p.complement * (exp_rest(-d) - d)), log1p_unit(p.score * (exp_rest(d) + d)));
  }
  let present = divergence_of(p.score, q.score, v.x);
  return vec2f(present.x + divergence_of(p.complement, q.complement, v.y).x, present.y);
}
