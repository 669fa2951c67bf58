// The teacher's edges brought into the student's bins (lib/teacher_edges.wgsl).

/// Stands for 0 in ln p, whose factor p is 0.
const LEAST_SHARE = 1e-37;

fn teacher_edge_at(at: Place, edge: u32) -> f32 {
  return teacher_edge(at.level, at.image, at.index, edge);
}

fn teacher_distribution_at(at: Place, edge: u32, inverse_temperature: f32, p: ptr<function, Bins>, log_p: ptr<function, Bins>) {
  let taught = teacher_distribution(at.level, at.image, at.index, edge, inverse_temperature);
  for (var k = 0u; k < BINS; k++) {
    let share = teacher_share(taught, k);
    (*p)[k] = share;
    (*log_p)[k] = log(max(share, LEAST_SHARE));
  }
}
