// What the kernels that choose general instances have in common. They bind `boxes` and `scores`, which become -1 where a location drops out.

#include "../lib/boxes.wgsl"

const SIZE = 256u;
/// of a group
const INSTANCES = 10u;
const SUPPRESSION_IOU = 0.3;
const NONE = 0xffffffffu;

struct Best {
  score: f32,
  location: u32,
}

var<workgroup> best_scores: array<f32, SIZE>;
var<workgroup> best_locations: array<u32, SIZE>;

/// Drops the chosen location, and those whose box has an IoU above 0.3 with its box. @return the best of the rest of an invocation's locations
fn best_left(start: u32, end: u32, chosen: u32, local: u32) -> Best {
  var best = Best(-1.0, NONE);
  var chosen_box = vec4f();
  if (chosen != NONE) {
    chosen_box = boxes[chosen];
  }
  for (var i = start + local; i < end; i += SIZE) {
    let score = scores[i];
    if (score < 0.0) {
      continue;
    }
    if (i == chosen || (chosen != NONE && box_iou(chosen_box, boxes[i]) > SUPPRESSION_IOU)) {
      scores[i] = -1.0;
    } else if (score > best.score) {
      best = Best(score, i);
    }
  }
  return best;
}

/// The higher score, then the lower location.
fn better(a: Best, b: Best) -> Best {
  let is_b = b.score > a.score || (b.score == a.score && b.location < a.location);
  return Best(select(a.score, b.score, is_b), select(a.location, b.location, is_b));
}

fn kept(i: u32) -> Best {
  return Best(best_scores[i], best_locations[i]);
}

fn keep(i: u32, best: Best) {
  best_scores[i] = best.score;
  best_locations[i] = best.location;
}

/// All invocations call it with their own; `kept(0)` is the best of them for the first invocation.
fn keep_best(own: Best, local: u32) {
  keep(local, own);
  for (var half = SIZE / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (local < half) {
      keep(local, better(kept(local), kept(local + half)));
    }
  }
}
