// erf(x) = 2/√π ∫₀ˣ exp(−t²) dt.
#include "../unary_erfc.wgsl"

fn unary(x: vec4f) -> vec4f {
  return sign(x) * (1.0 - erfc_positive(abs(x)));
}

fn unary_slope(x: vec4f) -> vec4f {
  return 1.1283791671 * exp(-x * x);
}
