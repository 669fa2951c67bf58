// Cost of a location for an object in dynamic soft label assignment (NanoDet-Plus): over the classes sum |y - s|^2 BCE(x, y) with y the
// IoU at the object's class and 0 elsewhere, s = sigmoid(x), plus iou_weight (-ln(IoU + 1e-7)). The kernel binds `student_class` and
// includes ../lib/boxes.wgsl, ../lib/qfl.wgsl and ../lib/layout.wgsl; `params` has iou_weight and class_layout.

/// The class term where no class is the object's, so that one can be taken out without cancellation.
struct Background {
  /// sum without the largest
  rest: f32,
  largest: f32,
  /// class of the largest
  class_index: u32,
  /// whether the location is a candidate: inside an object
  candidate: bool,
}

fn pack_background(background: Background) -> vec4f {
  return vec4f(background.rest, background.largest, f32(background.class_index), select(0.0, 1.0, background.candidate));
}

fn unpack_background(packed: vec4f) -> Background {
  return Background(packed.x, packed.y, u32(packed.z), packed.w != 0.0);
}

/// The part of the cost that goes by the IoU: a lower bound, for the other is not negative.
fn overlap_cost(overlap: f32) -> f32 {
  return -params.iou_weight * log(overlap + 1e-7);
}

/// The part that goes by the classes, of the logit of the object's class.
fn class_cost(background: Background, class_index: u32, logit: f32, overlap: f32) -> f32 {
  var others = background.rest;
  if (class_index != background.class_index) {
    others = background.largest + max(background.rest - qfl(logit, 0.0, 2.0).x, 0.0);
  }
  return others + qfl(logit, overlap, 2.0).x;
}
