// LD with the teacher's distribution, after its softmax, in the student's bins (lib/teacher_edges.wgsl). Logits are read again where needed,
// since the number of the teacher's bins in a bin of the student's varies.

/// Stands for 0 in ln p, whose factor p is 0.
const LEAST_SHARE = 1e-37;

/// KL of the four edges; writes their gradient, or adds it.
fn distil(at: Place, factor: f32, adds: bool) -> f32 {
  let entry = params.student_layout[at.level];
  let inverse_temperature = 1.0 / params.temperature;
  let scale = select(params.temperature / f32(params.bins), params.temperature, LD_SUMS);
  var kl = 0.0;
  for (var edge = 0u; edge < 4u; edge++) {
    let first = strided(entry, at.image, edge * params.bins, at.index);
    let powers = student_powers(first, entry.z, inverse_temperature);
    let log_sum = log(powers.y);
    let taught = teacher_distribution(at.level, at.image, at.index, edge, inverse_temperature);
    for (var k = 0u; k < params.bins; k++) {
      let element = first + k * entry.z;
      let p = teacher_share(taught, k);
      let log_q = (student[element] - powers.x) * inverse_temperature - log_sum;
      let part = divergence_of(p, exp(log_q), log_q - log(max(p, LEAST_SHARE)));
      kl += part.x;
      gradient[element] = select(0.0, gradient[element], adds) + factor * scale * part.y;
    }
  }
  return params.temperature * scale * kl;
}
