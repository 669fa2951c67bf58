// The samples of a given assignment by many workgroups, for GPUs: the lists of given_samples.wgsl, bit for bit. A part is SIZE locations of an
// image, an invocation each; workgroup_id.y is the image. Step COUNT counts the samples of each part, step PLACE writes them. list_sums.wgsl follows.
#include "given.wgsl"
/// [B, 2] positives and samples of an image, then [B, parts, 2] positives and other samples of a part
@group(0) @binding(7) var<storage, read_write> claims: array<u32>;

const SIZE = 256u;
const COUNT = 0u;
const PLACE = 1u;
/// COUNT or PLACE
override STEP: u32 = 0;

var<workgroup> own_counts: array<vec2u, SIZE>;
var<workgroup> befores: array<vec2u, SIZE>;
var<workgroup> totals: array<vec2u, SIZE>;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(num_workgroups) workgroups: vec3u, @builtin(local_invocation_index) local: u32) {
  let image = workgroup.y;
  let i = workgroup.x * SIZE + local;
  let is_inside = i < params.locations;
  let location = location_in(image, min(i, params.locations - 1u));
  let index = given_index(location, image, min(i, params.locations - 1u));
  let given = given_at(index);
  let own = select(vec2u(), listed_as(given), is_inside);
  let parts_at = 2u * (params.batch + image * workgroups.x);

  // The parts before this one, and all of the image, each by an invocation.
  var before = vec2u();
  var total = vec2u();
  if (STEP == PLACE) {
    for (var part = local; part < workgroups.x; part += SIZE) {
      let counted = vec2u(claims[parts_at + 2u * part], claims[parts_at + 2u * part + 1u]);
      before += select(vec2u(), counted, part < workgroup.x);
      total += counted;
    }
  }
  own_counts[local] = own;
  befores[local] = before;
  totals[local] = total;
  workgroupBarrier();
  var place = vec2u();
  var counted = vec2u();
  var listed = vec2u();
  for (var l = 0u; l < SIZE; l++) {
    place += befores[l] + select(vec2u(), own_counts[l], l < local);
    counted += own_counts[l];
    listed += totals[l];
  }
  if (STEP == COUNT) {
    if (local == 0u) {
      claims[parts_at + 2u * workgroup.x] = counted.x;
      claims[parts_at + 2u * workgroup.x + 1u] = counted.y;
    }
    return;
  }
  let positives = min(listed.x, params.image_positives);
  if (is_inside) {
    write_location(location, index, given, image, place, positives);
  }
  if (i == 0u) {
    claims[2u * image] = positives;
    claims[2u * image + 1u] = positives + listed.y;
  }
}
