// Losses of a predicted box against a true one, both (x1, y1, x2, y2) in one unit, with gradients with respect to the
// prediction. As in torch: at a tie of max or min each side has half of the gradient; a clamp at 0 lets it pass at 0.

struct BoxLoss {
  loss: f32,
  /// with respect to x1, y1, x2, y2 of the prediction
  gradient: vec4f,
}

/// The smallest union, enclosing area or squared enclosing diagonal that is divided by.
const BOX_EPSILON = 1e-7;

/// How two boxes lie; `d_…_low` is the derivative with respect to (x1, y1), `d_…_high` to (x2, y2).
struct Overlap {
  /// 1 - IoU
  distance: f32,
  d_distance_low: vec2f,
  d_distance_high: vec2f,
  joined: f32,
  d_joined_low: vec2f,
  d_joined_high: vec2f,
  enclosing: vec2f,
  /// width with respect to x1 and height with respect to y1
  d_enclosing_low: vec2f,
  d_enclosing_high: vec2f,
}

/// d max(a, b) / da as a function of a - b: 1, 1/2 at a tie, 0.
fn share_of(difference: vec2f) -> vec2f {
  return 0.5 + 0.5 * sign(difference);
}

fn overlap_of(predicted: vec4f, truth: vec4f) -> Overlap {
  let extent = min(predicted.zw, truth.zw) - max(predicted.xy, truth.xy);
  let size = max(extent, vec2f());
  let open = select(vec2f(), vec2f(1.0), extent >= vec2f());
  let d_inner_low = -open * share_of(predicted.xy - truth.xy) * size.yx;
  let d_inner_high = open * share_of(truth.zw - predicted.zw) * size.yx;
  let inner = size.x * size.y;

  let side = predicted.zw - predicted.xy;
  let truth_side = truth.zw - truth.xy;
  let joined = side.x * side.y + truth_side.x * truth_side.y - inner;
  let live = 0.5 + 0.5 * sign(joined - BOX_EPSILON);

  var at: Overlap;
  at.joined = max(joined, BOX_EPSILON);
  at.d_joined_low = live * (-side.yx - d_inner_low);
  at.d_joined_high = live * (side.yx - d_inner_high);
  let iou = inner / at.joined;
  at.distance = (at.joined - inner) / at.joined;
  at.d_distance_low = (iou * at.d_joined_low - d_inner_low) / at.joined;
  at.d_distance_high = (iou * at.d_joined_high - d_inner_high) / at.joined;

  let enclosing = max(predicted.zw, truth.zw) - min(predicted.xy, truth.xy);
  let wide = select(vec2f(), vec2f(1.0), enclosing >= vec2f());
  at.enclosing = max(enclosing, vec2f());
  at.d_enclosing_low = -wide * share_of(truth.xy - predicted.xy);
  at.d_enclosing_high = wide * share_of(predicted.zw - truth.zw);
  return at;
}
