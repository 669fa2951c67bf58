// Needs sample.wgsl; the kernel binds `counts` and has `lane_sums`.

var<workgroup> level_positives: array<atomic<u32>, 8>;
var<workgroup> level_vlr: array<atomic<u32>, 8>;

/// After a barrier: an image's counts. @param lanes first sums in `lane_sums`, added one after another @param listed positives, samples
fn write_counts(image: u32, local: u32, lanes: u32, listed: vec2u) {
  let start = image * COUNTS;
  if (local < 8u) {
    counts[start + COUNT_LEVEL_POSITIVES + local] = f32(atomicLoad(&level_positives[local]));
    counts[start + COUNT_LEVEL_VLR + local] = f32(atomicLoad(&level_vlr[local]));
  }
  if (local == 0u) {
    var sum = vec2f();
    for (var i = 0u; i < lanes; i++) {
      sum += lane_sums[i];
    }
    counts[start + COUNT_POSITIVES] = f32(listed.x);
    counts[start + COUNT_SAMPLES] = f32(listed.y);
    counts[start + COUNT_VLR_WEIGHT] = sum.x;
    counts[start + COUNT_SCORES] = sum.y;
  }
}
