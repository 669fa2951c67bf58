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

/// 1 - GIoU = 1 - IoU + (enclosing - union) / enclosing (Rezatofighi et al., CVPR 2019).
fn giou_loss(predicted: vec4f, truth: vec4f) -> BoxLoss {
  let at = overlap_of(predicted, truth);
  let area = at.enclosing.x * at.enclosing.y;
  let enclosing = max(area, BOX_EPSILON);
  let live = 0.5 + 0.5 * sign(area - BOX_EPSILON);
  // d (1 - joined / enclosing) = (joined / enclosing * d enclosing - d joined) / enclosing
  let outer = live * at.joined / enclosing * at.enclosing.yx;
  let low = at.d_distance_low + (outer * at.d_enclosing_low - at.d_joined_low) / enclosing;
  let high = at.d_distance_high + (outer * at.d_enclosing_high - at.d_joined_high) / enclosing;
  return BoxLoss(at.distance + (enclosing - at.joined) / enclosing, vec4f(low, high));
}

/// 1 - CIoU, CIoU = IoU - rho^2/c^2 - v^2 / (1 - IoU + v), v = (4/pi^2) (atan(w_t/h_t) - atan(w_p/h_p))^2 (Zheng et al.,
/// AAAI 2020); the gradient flows through the trade-off v / (1 - IoU + v) too. The term is 0 where v = 0.
fn ciou_loss(predicted: vec4f, truth: vec4f) -> BoxLoss {
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
