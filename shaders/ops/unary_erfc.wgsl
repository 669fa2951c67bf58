/// 1 − erf(x) for x ≥ 0, by Abramowitz and Stegun (1964), 7.1.26: within 1.5e-7.
fn erfc_positive(x: vec4f) -> vec4f {
  let t = 1.0 / (1.0 + 0.3275911 * x);
  let series = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))));
  return series * exp(-x * x);
}
