// The index of an invocation in a one-dimensional launch that may be folded into two dimensions.
fn linear_index(workgroup: vec3u, workgroups: vec3u, local: u32, size: u32) -> u32 {
  return (workgroup.y * workgroups.x + workgroup.x) * size + local;
}
