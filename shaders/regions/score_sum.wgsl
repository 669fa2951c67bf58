// Sums an image's target scores by its workgroup of LANES. The kernel binds `counts` and includes sample.wgsl.

const LANES = 64u;

var<workgroup> lane_scores: array<f32, LANES>;

/// All invocations call it with their own part; added in a fixed order.
fn write_score_sum(own: f32, image: u32, local: u32) {
  lane_scores[local] = own;
  workgroupBarrier();
  if (local == 0u) {
    var sum = 0.0;
    for (var i = 0u; i < LANES; i++) {
      sum += lane_scores[i];
    }
    counts[image * COUNTS + COUNT_SCORES] = sum;
  }
}
