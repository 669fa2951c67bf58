#include "../../lib/overlap.wgsl"

/// 1 - GIoU = 1 - IoU + (enclosing - union) / enclosing (Rezatofighi et al., CVPR 2019).
fn box_loss(predicted: vec4f, truth: vec4f) -> BoxLoss {
  let at = overlap_of(predicted, truth);
  let area = at.enclosing.x * at.enclosing.y;
  let enclosing = max(area, BOX_EPSILON);
  let live = 0.5 + 0.5 * sign(area - BOX_EPSILON);
  // d (1 - joined / enclosing) = (joined / enclosing * d enclosing - d joined) / enclosing
  let outer = live * at.joined / enclosing * at.enclosing.yx;
  let low = at.d_distance_low + (outer * at.d_enclosing_low - at.d_joined_low) / enclosing;
  let high = at.d_distance_high + (outer * at.d_enclosing_high - at.d_joined_high) / enclosing;
  return BoxLoss(at.distance + (enclosing - at.joined) / enclosing, vec4f(low, high));
}
