// ln(1 + exp(x)) = max(x, 0) + ln(1 + exp(−|x|)).
#include "../../lib/logistic.wgsl"
#include "../sigmoid.wgsl"

fn unary(x: vec4f) -> vec4f {
  let e = exp(-abs(x));
  return max(x, vec4f()) + vec4f(log1p_unit(e.x), log1p_unit(e.y), log1p_unit(e.z), log1p_unit(e.w));
}

fn unary_slope(x: vec4f) -> vec4f {
  return sigmoid(x);
}
