// Cost of a location for an object in dynamic soft label assignment (NanoDet-Plus): over the classes sum |y - s|^2 BCE(x, y) with y the
// IoU at the object's class and 0 elsewhere, s = sigmoid(x), plus iou_weight (-ln(IoU + 1e-7)). The kernel binds `student_class` and
// includes ../lib/boxes.wgsl, ../lib/qfl.wgsl, ../lib/qfl_background.wgsl and ../lib/layout.wgsl; `params` has iou_weight and class_layout.

/// The class term where no class is the object's, so that one can be taken out without cancellation.
struct OtherClasses {
  /// sum without the largest
  rest: f32,
  largest: f32,
  /// class of the largest
  class_index: u32,
}

/// In place of the box of a location that is no candidate.
const NO_BOX = vec4f(0.0, 0.0, -1.0, -1.0);

fn pack_others(others: OtherClasses) -> vec4f {
  return vec4f(others.rest, others.largest, f32(others.class_index), 0.0);
}

fn unpack_others(packed: vec4f) -> OtherClasses {
  return OtherClasses(packed.x, packed.y, u32(packed.z));
}

/// The part of the cost that goes by the IoU: a lower bound, for the other is not negative.
fn overlap_cost(overlap: f32) -> f32 {
  return -params.iou_weight * log(overlap + 1e-7);
}

/// The least cost of an object that the box does not touch.
fn apart_cost() -> f32 {
  return overlap_cost(0.0);
}

/// The part that goes by the classes, of the logit of the object's class.
fn class_cost(others: OtherClasses, class_index: u32, logit: f32, overlap: f32) -> f32 {
  var sum = others.rest;
  if (class_index != others.class_index) {
    sum = others.largest + max(others.rest - qfl_background(vec4f(logit), 2.0).loss.x, 0.0);
  }
  return sum + qfl(logit, overlap, 2.0).x;
}
