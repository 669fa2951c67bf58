// Which locations can learn an object in task-aligned assignment. Needs ../lib/boxes.wgsl; `params` has level_count and levels.

/// STAL: in this test a side below the first stride counts as the second one.
override SMALL_TARGETS: bool = false;

/// A centre must be further inside than this, pixels.
const REACH_MARGIN = 1e-9;

fn reach_of(box: vec4f) -> vec4f {
  if (!SMALL_TARGETS) {
    return box;
  }
  let side = box.zw - box.xy;
  let enlarged = vec2f(f32(params.levels[min(1u, params.level_count - 1u)].w));
  let half = 0.5 * select(side, enlarged, side < vec2f(f32(params.levels[0].w)));
  let centre = 0.5 * (box.xy + box.zw);
  return vec4f(centre - half, centre + half);
}

fn reaches(reach: vec4f, centre: vec2f) -> bool {
  return box_inside_margin(centre, reach) > REACH_MARGIN;
}
