#include "../../lib/overlap.wgsl"

/// 1 - CIoU, CIoU = IoU - rho^2/c^2 - v^2 / (1 - IoU + v), v = (4/pi^2) (atan(w_t/h_t) - atan(w_p/h_p))^2 (Zheng et al.,
/// AAAI 2020); the gradient flows through the trade-off v / (1 - IoU + v) too. The term is 0 where v = 0.
fn box_loss(predicted: vec4f, truth: vec4f) -> BoxLoss {
  let at = overlap_of(predicted, truth);

  let offset = 0.5 * (predicted.xy + predicted.zw - truth.xy - truth.zw);
  let square = dot(at.enclosing, at.enclosing);
  let diagonal = max(square, BOX_EPSILON);
  let live = 0.5 + 0.5 * sign(square - BOX_EPSILON);
  let centre = dot(offset, offset) / diagonal;
  let outer = 2.0 * live * centre * at.enclosing;
  let d_centre_low = (offset - outer * at.d_enclosing_low) / diagonal;
  let d_centre_high = (offset - outer * at.d_enclosing_high) / diagonal;

  // The difference of the two angles as one arctangent: exact for nearly equal aspect ratios.
  let side = predicted.zw - predicted.xy;
  let truth_side = truth.zw - truth.xy;
  let cross = truth_side.x * side.y - side.x * truth_side.y;
  let angle = select(atan2(cross, dot(truth_side, side)), 0.0, cross == 0.0);
  let scale = 4.0 / (3.14159265358979 * 3.14159265358979);
  let aspect = scale * angle * angle;
  var trade = 0.0;
  if (aspect > 0.0) {
    trade = aspect / (max(at.distance, 0.0) + aspect);
  }
  // term = aspect^2 / (distance + aspect): d/d aspect = trade (2 - trade), d/d distance = -trade^2
  let d_side = trade * (2.0 - trade) * 2.0 * scale * angle * vec2f(-side.y, side.x) / max(dot(side, side), BOX_EPSILON);
  let d_distance = 1.0 - trade * trade;
  let low = d_distance * at.d_distance_low + d_centre_low - d_side;
  let high = d_distance * at.d_distance_high + d_centre_high + d_side;
  return BoxLoss(at.distance + centre + aspect * trade, vec4f(low, high));
}
