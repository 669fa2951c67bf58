// LD where the teacher's bins are the student's. Samples of the VLR are many: every logit is read once, the loops over bins are unrolled.

/// KL of the four edges; writes their gradient, or adds it.
fn distil(at: Place, factor: f32, adds: bool) -> f32 {
  let entry = params.student_layout[at.level];
  let teacher_step = params.teacher_box_layout[at.level].z;
  let inverse_temperature = 1.0 / params.temperature;
  let scale = select(params.temperature / f32(BINS), params.temperature, LD_SUMS);
  var kl = 0.0;
  for (var edge = 0u; edge < 4u; edge++) {
    let first = strided(entry, at.image, edge * BINS, at.index);
    let teacher_start = teacher_first(at.level, at.image, at.index, edge);
    var z: Bins;
    var teacher_logits: Bins;
    for (var k = 0u; k < BINS; k++) { // unroll
      z[k] = student[first + k * entry.z];
    }
    for (var k = 0u; k < BINS; k++) { // unroll
      teacher_logits[k] = teacher_box[teacher_start + k * teacher_step];
    }
    var p: Bins;
    var q: Bins;
    let sums = vec2f(powers_of_bins(&teacher_logits, &p, inverse_temperature), powers_of_bins(&z, &q, inverse_temperature));
    let shares = 1.0 / sums;
    let log_ratio = log(sums.x) - log(sums.y);
    for (var k = 0u; k < BINS; k++) { // unroll
      let part = divergence_of(p[k] * shares.x, q[k] * shares.y, z[k] - teacher_logits[k] + log_ratio);
      kl += part.x;
      q[k] = factor * scale * part.y;
    }
    if (adds) {
      for (var k = 0u; k < BINS; k++) { // unroll
        q[k] += gradient[first + k * entry.z];
      }
    }
    for (var k = 0u; k < BINS; k++) { // unroll
      gradient[first + k * entry.z] = q[k];
    }
  }
  return params.temperature * scale * kl;
}
