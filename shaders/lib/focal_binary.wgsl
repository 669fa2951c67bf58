// Binary cross-entropy to the teacher's score, weighted by how far the scores are apart: focal binary class distillation (BCKD, Yang
// et al., ICCV 2023; CrossKD, Wang et al., CVPR 2024, β 1; PP-YOLOE's squared difference is β 2). With q = σ(x), p = σ(t), d = q − p:
//   loss = |d|^β BCE,  BCE = p softplus(−x) + (1 − p) softplus(x)
//   dloss/dx = |d|^β d + β |d|^(β − 1) sign(d) q (1 − q) BCE
// The factor |d|^β has a gradient, as in the original code's autograd.

#include "background.wgsl"

/// beta as a constant where it is 1 or 2: no power is taken. 0: any
override KD_BETA: u32 = 1u;

/// σ(x) − σ(t): of complements where both scores are near 1, so that it does not cancel.
fn score_difference(student: Background, teacher: Background) -> vec4f {
  let are_high = min(student.score, teacher.score) > vec4f(0.5);
  return select(student.score - teacher.score, teacher.complement - student.complement, are_high);
}

fn focal_binary(x: vec4f, t: vec4f, beta: f32) -> BackgroundLoss {
  let student = background_of(x);
  let teacher = background_of(t);
  let difference = score_difference(student, teacher);
  // softplus(−x) = softplus(x) − x, of terms that are not negative.
  let tail = log1p_unit4(exp(-abs(x)));
  let rising = 0.5 * (x + abs(x));
  let falling = 0.5 * (abs(x) - x);
  let entropy = tail + teacher.score * falling + teacher.complement * rising;
  let slope = student.score * student.complement * entropy;
  if (KD_BETA == 1u) {
    let distance = abs(difference);
    return BackgroundLoss(distance * entropy, distance * difference + sign(difference) * slope);
  }
  if (KD_BETA == 2u) {
    let square = difference * difference;
    return BackgroundLoss(square * entropy, square * difference + 2.0 * difference * slope);
  }
  // pow(0, 0) is undefined in WGSL.
  let distance = max(abs(difference), vec4f(1e-12));
  let modulation = pow(distance, vec4f(beta));
  return BackgroundLoss(modulation * entropy, modulation * difference + beta * modulation / distance * sign(difference) * slope);
}
