// What the expectations over the bins of the four distributions mean. All boxes are xyxy in units of the level's stride.
//   ltrb (default): distances of the four edges from the centre, bin k standing for k strides;
//   offset (OFFSET_BOX = true): deltas (dx, dy, dw, dh) from the square anchor of side `anchor`, the bins spread evenly over
//   [-2, 2]: x = cx + dx·anchor, w = anchor·exp(dw). (Qiu et al., CVPR 2020; the range of the rotated reference code.)

override OFFSET_BOX: bool = false;

fn offset_step(bins: u32) -> f32 {
  return 4.0 / f32(bins - 1u);
}

/// Box of the expectations, given in bins.
fn decode_box(expected: vec4f, centre: vec2f, anchor: f32, bins: u32) -> vec4f {
  if (OFFSET_BOX) {
    let delta = expected * offset_step(bins) - 2.0;
    let middle = centre + delta.xy * anchor;
    let half = 0.5 * anchor * exp(delta.zw);
    return vec4f(middle - half, middle + half);
  }
  return vec4f(centre - expected.xy, centre + expected.zw);
}

/// Gradient with respect to the expectations from the gradient with respect to the box.
fn decode_pullback(expected: vec4f, gradient: vec4f, anchor: f32, bins: u32) -> vec4f {
  if (OFFSET_BOX) {
    let size = anchor * exp(expected.zw * offset_step(bins) - 2.0);
    return offset_step(bins) * vec4f((gradient.xy + gradient.zw) * anchor, 0.5 * (gradient.zw - gradient.xy) * size);
  }
  return vec4f(-gradient.xy, gradient.zw);
}

/// Expectations, in bins, that decode to the box.
fn encode_box(box: vec4f, centre: vec2f, anchor: f32, bins: u32) -> vec4f {
  if (OFFSET_BOX) {
    let size = max(box.zw - box.xy, vec2f(1e-6));
    let delta = vec4f((0.5 * (box.xy + box.zw) - centre) / anchor, log(size / anchor));
    return (delta + 2.0) / offset_step(bins);
  }
  return vec4f(centre - box.xy, box.zw - centre);
}
