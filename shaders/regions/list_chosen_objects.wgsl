// The lists of list_chosen.wgsl by many workgroups an image.
#include "list_objects.wgsl"

override OWNERS: bool = true;

fn entries() -> u32 {
  return params.topk;
}

fn entry_location(g: u32, image: u32, entry: u32) -> u32 {
  return positives[g * params.topk + entry];
}

/// `g` is the first object that chose the location.
fn assigned_of(g: u32, image: u32, entry: u32, location: u32) -> Assigned {
  let end = image_starts[image + 1u] * params.topk;
  var is_contested = false;
  for (var i = (g + 1u) * params.topk; i < end && !is_contested; i++) {
    is_contested = positives[i] == location;
  }
  var owner = g;
  if (is_contested && OWNERS) {
    owner = positives[image_starts[params.batch] * params.topk + location];
  }
  return Assigned((owner << 16u) | u32(labels[owner]), select(0.0, CONTESTED, is_contested));
}
