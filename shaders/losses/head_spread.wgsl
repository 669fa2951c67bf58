/// The group of rows of a workgroup; `params` has groups and group_step, which have no common factor. Only the first groups have
/// rows, and adapters that give each of their threads a range of workgroups would leave all of them to one thread. Beyond the
/// last group (a folded dispatch may have more workgroups) the groups are empty.
fn spread(workgroup: u32) -> u32 {
  return select(workgroup, (workgroup * params.group_step) % params.groups, workgroup < params.groups);
}
