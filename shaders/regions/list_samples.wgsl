// One workgroup an image lists the positives, by list_positives of the including file, and the members of the VLR (Zheng et al., CVPR 2022,
// algorithm 1). Objects are taken one after another, each in its candidates and windows only, so the time grows with the boxes and not
// with the map. No floating-point atomics; the list has a fixed order.

/// What a software adapter computes at once: with more, each barrier switches between a workgroup's parts. An invocation a level at least, see
/// write_counts.wgsl.
const SIZE = 8u;

/// [locations], see sample.wgsl; zeros but for ignored locations. While the lists are made: 1 + place in the list of samples.
@group(0) @binding(6) var<storage, read_write> table: array<u32>;
@group(0) @binding(7) var<storage, read_write> samples: array<Sample>;
@group(0) @binding(8) var<storage, read_write> counts: array<f32>;

#include "list_inputs.wgsl"
#include "count_samples.wgsl"

/// A location's weight is its highest IoU with a ground truth of whose region it is.
fn list_members(list: ptr<function, List>, g: u32, image: u32, level: u32, local: u32) {
  let entry = windows[g * params.level_count + level];
  let box = boxes[g];
  let window = Window(entry.xy, vec2u(entry.z & 0xffffu, entry.z >> 16u));
  let size = window.size.x * window.size.y;
  let step = window_cell(window, SIZE) - window.first;
  var cell = window_cell(window, local);
  for (var first = 0u; first < size; first += CELLS * SIZE) {
    var overlaps = vec4f();
    var locations = vec4u();
    var states = vec4u();
    for (var k = 0u; k < 4u; k++) { // unroll
      if (first + k * SIZE + local < size) {
        overlaps[k] = member_overlap(level, cell, box, bitcast<f32>(entry.w));
        locations[k] = location_of(level, image, cell);
        states[k] = table[locations[k]];
      }
      cell += step;
      let is_over = cell.x >= window.first.x + window.size.x;
      cell = select(cell, vec2u(cell.x - window.size.x, cell.y + 1u), is_over);
    }
    let known = states & vec4u(~TABLE_IGNORED);
    let is_new = (overlaps > vec4f()) & (known == vec4u());
    let places = append(list, is_new, local);
    let slots = image * params.image_slots + select(known - 1u, places, is_new);
    for (var k = 0u; k < 4u; k++) { // unroll
      if (is_new[k]) {
        table[locations[k]] = states[k] | (places[k] + 1u);
        samples[slots[k]].location = locations[k];
      }
      if (overlaps[k] > 0.0) {
        samples[slots[k]].vlr = max(select(samples[slots[k]].vlr, 0.0, is_new[k]), overlaps[k]);
      }
    }
  }
}

/// For a workgroup of SIZE invocations.
fn list_image(image: u32, local: u32) {
  var list = List(0u, 0u);
  for (var g = image_starts[image]; g < image_starts[image + 1u]; g++) {
    list_positives(&list, g, image, local);
    storageBarrier();
  }
  let positive_count = list.samples;
  for (var g = image_starts[image]; VLR && g < image_starts[image + 1u]; g++) {
    for (var level = 0u; level < params.level_count; level++) {
      list_members(&list, g, image, level, local);
    }
    storageBarrier();
  }
  count_samples(positive_count, list.samples, image, local);
}
