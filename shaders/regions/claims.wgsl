// What the dispatches of list_objects.wgsl leave for one another in `claims`: [locations] marks, [locations] bits of the highest IoU in the
// VLR, [G, 1 + levels · PARTS] counts of positives and of each workgroup's other samples, [B, 2] positives and samples of an image. `params`
// has batch, level_count and locations; the kernel binds `image_starts`.

/// Workgroups that share an object's window on a level.
const PARTS = 4u;

/// Counts of an object.
fn count_words() -> u32 {
  return 1u + params.level_count * PARTS;
}

fn counts_at(g: u32) -> u32 {
  return 2u * params.locations + g * count_words();
}

fn listed_at(image: u32) -> u32 {
  return counts_at(image_starts[params.batch]) + 2u * image;
}
