// Needs ../regions/sample.wgsl and the binding `counts`; `params` has level_count and levels: (start, height, width, …).

#include "head_images.wgsl"

/// Numbers of positives and of other locations, over all images.
fn matched_and_others() -> vec2f {
  var positives = 0.0;
  let images = counted_images();
  for (var image = 0u; image < images; image++) {
    positives += counts[image * COUNTS + COUNT_POSITIVES];
  }
  let last = params.levels[params.level_count - 1u];
  return vec2f(positives, f32(images * (last.x + last.y * last.z)) - positives);
}
