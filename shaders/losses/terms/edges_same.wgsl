// The teacher's edges where its bins are the student's: every logit is read once, and the loops over bins are unrolled.

fn read_teacher(at: Place, edge: u32, z: ptr<function, Bins>) {
  let first = teacher_first(at.level, at.image, at.index, edge);
  let step = params.teacher_box_layout[at.level].z;
  for (var k = 0u; k < BINS; k++) { // unroll
    (*z)[k] = teacher_box[first + k * step];
    seen += (*z)[k];
  }
}

/// The expected edge, in strides; of a head of one bin the logit itself.
fn teacher_edge_at(at: Place, edge: u32) -> f32 {
  var z: Bins;
  read_teacher(at, edge, &z);
  if (BINS == 1u) {
    return z[0];
  }
  softmax_bins(&z, 1.0);
  return expected_value(&z);
}

fn teacher_distribution_at(at: Place, edge: u32, inverse_temperature: f32, p: ptr<function, Bins>, log_p: ptr<function, Bins>) {
  read_teacher(at, edge, log_p);
  let sum = powers_of_bins(log_p, p, inverse_temperature);
  let share = 1.0 / sum;
  let log_sum = log(sum);
  for (var k = 0u; k < BINS; k++) { // unroll
    (*p)[k] *= share;
    (*log_p)[k] -= log_sum;
  }
}
