// σ(x) = 1 / (1 + exp(−x)); σ' = σ(x) σ(−x), which does not cancel.
#include "../sigmoid.wgsl"

fn unary(x: vec4f) -> vec4f {
  return sigmoid(x);
}

fn unary_slope(x: vec4f) -> vec4f {
  return sigmoid(x) * sigmoid(-x);
}
