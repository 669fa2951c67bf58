// Needs ../lib/grid.wgsl, ../lib/boxes.wgsl and vlr_member.wgsl.

/// IoU of a member of a box's region, 0 of another anchor.
fn member_overlap(level: u32, cell: vec2u, box: vec4f, threshold: f32) -> f32 {
  let anchor = anchor_box_at(level, cell);
  return select(0.0, box_iou(anchor, box), is_member(anchor, box, threshold));
}
