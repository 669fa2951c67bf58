// Completes what is known of an image whose samples are listed, by its workgroup of SIZE invocations. The kernel binds `table`, `samples`
// and `counts` and includes sample.wgsl; `params` has batch, level_count, image_slots and levels.

/// Whether positives have target scores already; otherwise they get 1.
override SCORED: bool = false;

/// weight in the VLR and target score
var<workgroup> lane_sums: array<vec2f, SIZE>;

#include "level_of.wgsl"
#include "write_counts.wgsl"

/// After a barrier: leaves in the table what the pass over all class logits needs, completes the samples that are no positives (their
/// location and VLR weight are known), and counts.
fn count_samples(positives: u32, listed: u32, image: u32, local: u32) {
  let first = image * params.image_slots;
  var own = vec2f();
  // Members of the VLR, by level.
  var low = vec4u();
  var high = vec4u();
  var i = local;
  for (; i < positives; i += SIZE) {
    let sample = samples[first + i];
    table[sample.location] = (sample.assigned & 0xffffu) + 1u;
    let level = level_of(sample.location);
    let score = select(1.0, sample.score, SCORED);
    samples[first + i].score = score;
    own += vec2f(sample.vlr, score);
    atomicAdd(&level_positives[level], 1u);
    let member = u32(sample.vlr > 0.0);
    low += select(vec4u(), vec4u(member), vec4u(level) == vec4u(0u, 1u, 2u, 3u));
    high += select(vec4u(), vec4u(member), vec4u(level) == vec4u(4u, 5u, 6u, 7u));
  }
  for (; i < listed; i += SIZE) {
    let location = samples[first + i].location;
    let ignored = table[location] & TABLE_IGNORED;
    table[location] = ignored;
    samples[first + i].assigned = select(BACKGROUND, IGNORED, ignored != 0u);
    samples[first + i].score = 0.0;
    own.x += samples[first + i].vlr;
    let level = level_of(location);
    low += select(vec4u(), vec4u(1u), vec4u(level) == vec4u(0u, 1u, 2u, 3u));
    high += select(vec4u(), vec4u(1u), vec4u(level) == vec4u(4u, 5u, 6u, 7u));
  }
  for (var k = 0u; k < 4u; k++) { // unroll
    atomicAdd(&level_vlr[k], low[k]);
    atomicAdd(&level_vlr[4u + k], high[k]);
  }
  lane_sums[local] = own;
  workgroupBarrier();
  write_counts(image, local, SIZE, vec2u(positives, listed));
}
