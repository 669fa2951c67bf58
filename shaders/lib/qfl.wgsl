#include "logistic.wgsl"

/// Quality focal loss of one logit (Generalized Focal Loss, eq. 5), the quality y in [0, 1] held fixed; s = sigmoid(x):
///   loss = |s - y|^beta BCE,  BCE = -y ln s - (1 - y) ln(1 - s) = max(x, 0) - x y + ln(1 + exp(-|x|))
///   dloss/dx = |s - y|^beta (s - y) + beta |s - y|^(beta - 1) sign(s - y) s (1 - s) BCE
/// Returns (loss, dloss/dx).
fn qfl(x: f32, y: f32, beta: f32) -> vec2f {
  let at = logistic(x);
  let entropy = max(x, 0.0) - x * y + at.tail;
  let error = at.score - y;
  let slope = at.score * at.complement * entropy;
  if (beta == 2.0) {
    let square = error * error;
    return vec2f(square * entropy, square * error + 2.0 * error * slope);
  }
  // pow(0, 0) is undefined in WGSL.
  let distance = max(abs(error), 1e-12);
  let modulation = pow(distance, beta);
  return vec2f(modulation * entropy, modulation * error + beta * modulation / distance * sign(error) * slope);
}
