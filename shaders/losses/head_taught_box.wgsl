/// IoU distillation of a box: its loss against the teacher's, with the gradient of the student's edges; 0 where one of them is no box.
fn taught_box_loss(expected: vec4f, bound: vec4f, centre: vec2f) -> BoxLoss {
  let box = decode_box(expected, centre, params.anchor, params.bins);
  let taught = decode_box(bound, centre, params.anchor, params.bins);
  if (box_is_inverted(box) || box_is_inverted(taught)) {
    return BoxLoss();
  }
  let loss = box_loss(box, taught);
  return BoxLoss(loss.loss, decode_pullback(expected, loss.gradient, params.anchor, params.bins));
}
