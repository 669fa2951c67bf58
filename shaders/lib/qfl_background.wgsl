// Quality focal loss where the quality is 0 (Generalized Focal Loss, eq. 5). With s = sigmoid(x):
//   loss = s^beta softplus(x),   dloss/dx = s^beta (s + beta (1 - s) softplus(x))

#include "background.wgsl"

/// beta is 2, as in every published recipe: no power is taken
override BETA_IS_TWO: bool = true;

fn qfl_background(x: vec4f, beta: f32) -> BackgroundLoss {
  let at = background_of(x);
  if (BETA_IS_TWO) {
    let square = at.score * at.score;
    return BackgroundLoss(square * at.softplus, square * (at.score + 2.0 * at.complement * at.softplus));
  }
  // pow(0, 0) is undefined in WGSL.
  let modulation = pow(max(at.score, vec4f(1e-12)), vec4f(beta));
  return BackgroundLoss(modulation * at.softplus, modulation * (at.score + beta * at.complement * at.softplus));
}
