// kd_binary.wgsl for the pass over all class logits.

#include "../../lib/kl.wgsl"
#include "../../lib/background.wgsl"

fn class_lesson(x: vec4f, t: vec4f) -> BackgroundLoss {
  let scale = params.temperature / f32(params.classes);
  var lesson: BackgroundLoss;
  for (var k = 0u; k < 4u; k++) {
    let term = binary_divergence(x[k], t[k], params.temperature);
    lesson.loss[k] = params.temperature * scale * term.x;
    lesson.slope[k] = scale * term.y;
  }
  return lesson;
}
