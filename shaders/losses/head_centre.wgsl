// Needs head_place.wgsl; `params` has centre_offset.

/// Centre of a place's anchor in cells, that is in strides.
fn centre_of(at: Place) -> vec2f {
  let width = params.levels[at.level].z;
  let row = at.index / width;
  return vec2f(f32(at.index - row * width), f32(row)) + params.centre_offset;
}
