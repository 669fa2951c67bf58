// x · t with t = tanh(ln(1 + e)), e = exp(x): t = n / (n + 2) with n = e (e + 2), 1 − t² = 4 (n + 1) / (n + 2)².
// From x = 20 on, t is 1.
#include "../sigmoid.wgsl"

fn mish_power(x: vec4f) -> vec4f {
  let e = exp(min(x, vec4f(20.0)));
  return e * (e + 2.0);
}

fn unary(x: vec4f) -> vec4f {
  let n = mish_power(x);
  return x * (n / (n + 2.0));
}

fn unary_slope(x: vec4f) -> vec4f {
  let n = mish_power(x);
  let rest = 2.0 / (n + 2.0);
  return n / (n + 2.0) + x * sigmoid(x) * (n + 1.0) * rest * rest;
}
