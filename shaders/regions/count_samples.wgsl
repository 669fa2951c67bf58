// What is known of an image once its samples are listed, by its workgroup of SIZE invocations. The kernel binds `table`, `samples` and
// `counts` and includes sample.wgsl; `params` has batch, level_count, image_slots and levels.

/// Whether positives have target scores already; otherwise they get 1.
override SCORED: bool = false;

var<workgroup> level_positives: array<atomic<u32>, 8>;
var<workgroup> level_vlr: array<atomic<u32>, 8>;
/// weight in the VLR and target score
var<workgroup> lane_sums: array<vec2f, SIZE>;

fn level_of(location: u32) -> u32 {
  var level = 0u;
  while (level + 1u < params.level_count && location >= params.batch * params.levels[level + 1u].x) {
    level++;
  }
  return level;
}

/// Leaves in the table what the pass over all class logits needs, and counts; after a barrier.
fn count_samples(positives: u32, listed: u32, image: u32, local: u32) {
  var own = vec2f();
  for (var i = local; i < listed; i += SIZE) {
    let slot = image * params.image_slots + i;
    let sample = samples[slot];
    let positive = is_positive(sample);
    table[sample.location] = select(select(0u, TABLE_IGNORED, sample.assigned == IGNORED), (sample.assigned & 0xffffu) + 1u, positive);
    let level = level_of(sample.location);
    if (positive) {
      let score = select(1.0, sample.score, SCORED);
      samples[slot].score = score;
      own.y += score;
      atomicAdd(&level_positives[level], 1u);
    }
    if (sample.vlr > 0.0) {
      atomicAdd(&level_vlr[level], 1u);
    }
    own.x += sample.vlr;
  }
  lane_sums[local] = own;
  workgroupBarrier();
  let start = image * COUNTS;
  if (local < 8u) {
    counts[start + COUNT_LEVEL_POSITIVES + local] = f32(atomicLoad(&level_positives[local]));
    counts[start + COUNT_LEVEL_VLR + local] = f32(atomicLoad(&level_vlr[local]));
  }
  if (local == 0u) {
    var sum = vec2f();
    for (var i = 0u; i < SIZE; i++) {
      sum += lane_sums[i];
    }
    counts[start + COUNT_POSITIVES] = f32(positives);
    counts[start + COUNT_SAMPLES] = f32(listed);
    counts[start + COUNT_VLR_WEIGHT] = sum.x;
    counts[start + COUNT_SCORES] = sum.y;
  }
}
