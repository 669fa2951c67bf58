// Both nets' features at an element, with NORM each less its mean over its deviation. The kernel declares `student`, `teacher` and
// `norms`, see feature_moments.wgsl.
override NORM: bool = false;

/// @param row level * channels + channel
fn features_at(i: u32, row: u32) -> vec2f {
  let features = vec2f(student[i], teacher[i]);
  if (NORM) {
    let norm = norms[row];
    return (features - norm.xz) * norm.yw;
  }
  return features;
}
