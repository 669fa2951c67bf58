// Boxes are (x1, y1, x2, y2); width = x2 - x1. Denominators are bounded from below as in the reference implementation, so
// that boxes without area overlap nothing.

fn box_area(box: vec4f) -> f32 {
  let size = box.zw - box.xy;
  return size.x * size.y;
}

/// Whether a side is negative, which heads of one bin can give.
fn box_is_inverted(box: vec4f) -> bool {
  return any(box.zw < box.xy);
}

fn box_intersection(a: vec4f, b: vec4f) -> f32 {
  let size = max(min(a.zw, b.zw) - max(a.xy, b.xy), vec2f());
  return size.x * size.y;
}

fn box_iou(a: vec4f, b: vec4f) -> f32 {
  let shared_area = box_intersection(a, b);
  return shared_area / max(box_area(a) + box_area(b) - shared_area, 1e-6);
}

/// rho^2 / c^2: squared distance of the centres over the squared diagonal of the enclosing box.
fn box_centre_penalty(a: vec4f, b: vec4f) -> f32 {
  let offset = 0.5 * ((a.xy + a.zw) - (b.xy + b.zw));
  let enclosing = max(a.zw, b.zw) - min(a.xy, b.xy);
  return dot(offset, offset) / max(dot(enclosing, enclosing), 1e-6);
}

/// DIoU (Zheng et al., AAAI 2020).
fn box_diou(a: vec4f, b: vec4f) -> f32 {
  return box_iou(a, b) - box_centre_penalty(a, b);
}

/// What LD's reference implementation calls DIoU: intersection / area(anchor) - rho^2/c^2.
fn box_pseudo_diou(anchor: vec4f, box: vec4f) -> f32 {
  return box_intersection(anchor, box) / max(box_area(anchor), 1e-6) - box_centre_penalty(anchor, box);
}

/// The smallest of the distances from a point to the four edges; positive iff the point is strictly inside.
fn box_inside_margin(point: vec2f, box: vec4f) -> f32 {
  let margins = min(point - box.xy, box.zw - point);
  return min(margins.x, margins.y);
}
