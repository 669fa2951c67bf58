/// Scale of a level, of scales that begin at vec4 `first` of `constants`.
fn scale_of(first: u32, level: u32) -> f32 {
  return constants[first + level / 4u][level % 4u];
}
