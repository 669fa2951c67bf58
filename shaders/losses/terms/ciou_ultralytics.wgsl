#include "../../lib/overlap.wgsl"

/// 1 - CIoU as Ultralytics' bbox_iou has it: 1e-7 is added to heights, union and squared diagonal; no gradient flows through the
/// trade-off v / (v - IoU + 1). CIoU = IoU - rho^2/c^2 - trade v, v = (4/pi^2) (atan(w_t/h_t) - atan(w_p/h_p))^2 (Zheng et al., AAAI 2020).
fn box_loss(predicted: vec4f, truth: vec4f) -> BoxLoss {
  let extent = min(predicted.zw, truth.zw) - max(predicted.xy, truth.xy);
  let inner_side = max(extent, vec2f());
  let open = select(vec2f(), vec2f(1.0), extent >= vec2f());
  let d_inner_low = -open * share_of(predicted.xy - truth.xy) * inner_side.yx;
  let d_inner_high = open * share_of(truth.zw - predicted.zw) * inner_side.yx;
  let inner = inner_side.x * inner_side.y;

  let side = predicted.zw - predicted.xy + vec2f(0.0, BOX_EPSILON);
  let truth_side = truth.zw - truth.xy + vec2f(0.0, BOX_EPSILON);
  let joined = side.x * side.y + truth_side.x * truth_side.y - inner + BOX_EPSILON;
  let iou = inner / joined;
  let d_iou_low = (d_inner_low - iou * (-side.yx - d_inner_low)) / joined;
  let d_iou_high = (d_inner_high - iou * (side.yx - d_inner_high)) / joined;

  let enclosing = max(predicted.zw, truth.zw) - min(predicted.xy, truth.xy);
  let diagonal = dot(enclosing, enclosing) + BOX_EPSILON;
  let d_enclosing_low = -share_of(truth.xy - predicted.xy);
  let d_enclosing_high = share_of(predicted.zw - truth.zw);
  let offset = 0.5 * (predicted.xy + predicted.zw - truth.xy - truth.zw);
  let centre = dot(offset, offset) / diagonal;
  let outer = 2.0 * centre * enclosing;
  let d_centre_low = (offset - outer * d_enclosing_low) / diagonal;
  let d_centre_high = (offset - outer * d_enclosing_high) / diagonal;

  // The difference of the two angles as one arctangent: exact for nearly equal aspect ratios.
  let angle = atan2(truth_side.x * side.y - side.x * truth_side.y, dot(truth_side, side));
  let scale = 4.0 / (3.14159265358979 * 3.14159265358979);
  let aspect = scale * angle * angle;
  let trade = aspect / (aspect - iou + 1.0 + BOX_EPSILON);
  let d_side = trade * 2.0 * scale * angle * vec2f(-side.y, side.x) / dot(side, side);
  let loss = 1.0 - iou + centre + trade * aspect;
  return BoxLoss(loss, vec4f(d_centre_low - d_iou_low - d_side, d_centre_high - d_iou_high + d_side));
}
