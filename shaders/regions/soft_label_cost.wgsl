// Cost of a location for an object in dynamic soft label assignment (NanoDet-Plus): over the classes sum |y - s|^2 BCE(x, y) with y the
// IoU at the object's class and 0 elsewhere, s = sigmoid(x), plus iou_weight (-ln(IoU + 1e-7)). The kernel binds `student_class` and
// includes ../lib/qfl.wgsl, ../lib/qfl_background.wgsl and ../lib/layout.wgsl; `params` has classes, iou_weight and class_layout.

/// The part of the IoU. Only it can be negative, so the sum of it and some others is a lower bound.
fn overlap_cost(overlap: f32) -> f32 {
  return -params.iou_weight * log(overlap + 1e-7);
}

/// The least cost of an object that the box does not touch.
fn apart_cost() -> f32 {
  return overlap_cost(0.0);
}

/// The part of the object's class, of cell `index`.
fn class_cost(overlap: f32, class_index: u32, level: u32, image: u32, index: u32) -> f32 {
  return qfl(student_class[strided(params.class_layout[level], image, class_index, index)], overlap, 2.0).x;
}

/// The part of all other classes: it reads all their logits, so look at the other parts first.
fn other_costs(class_index: u32, level: u32, image: u32, index: u32) -> f32 {
  let entry = params.class_layout[level];
  let first = strided(entry, image, 0u, index);
  var sum = 0.0;
  for (var c = 0u; c < params.classes; c++) {
    let loss = qfl_background(vec4f(student_class[first + c * entry.z]), 2.0).loss.x;
    sum += select(loss, 0.0, c == class_index);
  }
  return sum;
}

fn soft_label_cost(overlap: f32, class_index: u32, level: u32, image: u32, index: u32) -> f32 {
  let own = overlap_cost(overlap) + class_cost(overlap, class_index, level, image, index);
  return own + other_costs(class_index, level, image, index);
}
