// x · Φ(x), Φ the distribution function of the normal distribution: Φ(−|x|) = erfc(|x| / √2) / 2.
#include "../unary_erfc.wgsl"

fn normal_distribution(x: vec4f) -> vec4f {
  let tail = 0.5 * erfc_positive(abs(x) * 0.7071067812);
  return select(tail, 1.0 - tail, x > vec4f());
}

fn unary(x: vec4f) -> vec4f {
  return x * normal_distribution(x);
}

fn unary_slope(x: vec4f) -> vec4f {
  return normal_distribution(x) + 0.3989422804 * x * exp(-0.5 * x * x);
}
