// The samples of a given assignment, one workgroup an image: positives, then other members of the VLR, each in order of location. An
// invocation takes a run of locations, first to count and then to write, so that one barrier is enough.

#include "given.wgsl"
@group(0) @binding(7) var<storage, read_write> counts: array<f32>;

const SIZE = 64u;

#include "count_samples.wgsl"

/// positives and other members in each invocation's run
var<workgroup> run_counts: array<vec2u, SIZE>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_index) local: u32) {
  let image = workgroup.x;
  let share = (params.locations + SIZE - 1u) / SIZE;
  let begin = min(local * share, params.locations);
  let end = min(begin + share, params.locations);
  var own = vec2u();
  for (var i = begin; i < end; i++) {
    own += listed_as(given_at(given_index(location_in(image, i), image, i)));
  }
  run_counts[local] = own;
  workgroupBarrier();
  var before = vec2u();
  var total = vec2u();
  for (var l = 0u; l < SIZE; l++) {
    before += select(vec2u(), run_counts[l], l < local);
    total += run_counts[l];
  }
  let positives = min(total.x, params.image_positives);
  var place = before;
  for (var i = begin; i < end; i++) {
    let location = location_in(image, i);
    let index = given_index(location, image, i);
    let given = given_at(index);
    write_location(location, index, given, image, place, positives);
    place += listed_as(given);
  }
  storageBarrier();
  count_samples(positives, positives + total.y, image, local);
}
