// How well a box fits an object, for task-aligned assignment. Needs ../lib/boxes.wgsl.

override CIOU: bool = true;

const OVERLAP_EPSILON = 1e-7;

/// CIoU = IoU - rho^2/c^2 - v^2 / (v - IoU + 1), v = (4/pi^2) (atan(w_t/h_t) - atan(w_p/h_p))^2 (Zheng et al., AAAI 2020), with 1e-7
/// added to heights and denominators, as Ultralytics computes it.
fn ultralytics_ciou(predicted: vec4f, truth: vec4f) -> f32 {
  let side = predicted.zw - predicted.xy + vec2f(0.0, OVERLAP_EPSILON);
  let truth_side = truth.zw - truth.xy + vec2f(0.0, OVERLAP_EPSILON);
  let shared_area = box_intersection(predicted, truth);
  let iou = shared_area / (side.x * side.y + truth_side.x * truth_side.y - shared_area + OVERLAP_EPSILON);
  let enclosing = max(predicted.zw, truth.zw) - min(predicted.xy, truth.xy);
  let offset = 0.5 * (predicted.xy + predicted.zw - truth.xy - truth.zw);
  let centre = dot(offset, offset) / (dot(enclosing, enclosing) + OVERLAP_EPSILON);
  // The difference of the two angles as one arctangent: exact for nearly equal aspect ratios.
  let cross = truth_side.x * side.y - side.x * truth_side.y;
  let angle = select(atan2(cross, dot(truth_side, side)), 0.0, cross == 0.0);
  let aspect = 4.0 / (3.14159265358979 * 3.14159265358979) * angle * angle;
  let trade = aspect / (aspect + max(1.0 - iou, 0.0) + OVERLAP_EPSILON);
  return iou - centre - trade * aspect;
}

/// 0 to 1: CIoU or IoU
fn task_overlap(predicted: vec4f, truth: vec4f) -> f32 {
  if (CIOU) {
    return max(ultralytics_ciou(predicted, truth), 0.0);
  }
  return box_iou(predicted, truth);
}
