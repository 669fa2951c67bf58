// Weight of the quality focal loss over its normaliser; `params` has cls_weight and cls_normaliser.

#include "head_counts.wgsl"

/// normaliser 0: images, each of which counts its positives, but at least one; 1: positives, at least one; 2: none
fn class_factor() -> f32 {
  var count = 1.0;
  if (params.cls_normaliser == 0u) {
    count = 0.0;
    for (var image = 0u; image < params.batch; image++) {
      count += max(counts[image * COUNTS + COUNT_POSITIVES], 1.0);
    }
  } else if (params.cls_normaliser == 1u) {
    count = f32(max(listed(COUNT_POSITIVES), 1u));
  }
  return params.cls_weight / count;
}
