// Alignment metric score^alpha overlap^beta (Feng et al., ICCV 2021) as its logarithm: overlap^6 leaves the range of f32 early. Needs
// ../lib/logistic.wgsl; `params` has alpha and beta.

/// Logarithm of the smallest f32, 2^-126. A metric below it counts as none, as in the original code.
const NO_METRIC = -87.33654;

/// `overlap` is above 0.
fn log_metric(logit: f32, overlap: f32) -> f32 {
  return params.alpha * (min(logit, 0.0) - logistic(logit).tail) + params.beta * log(overlap);
}
