// LD, DFL and the integral of one row of bins in one pass: each logit is read once, each slope written once.
//   p = softmax(student), q = softmax(student / T), r = softmax(teacher / T), y the distance, s_k = max(0, 1 - |k - y|):
//   expected = sum_k k p_k
//   DFL = -sum_k s_k ln p_k                      (Generalized Focal Loss, eq. 6)   d/dz_k = p_k - s_k
//   LD = (T^2 / K) sum_k r_k (ln r_k - ln q_k)   (LD, CVPR 2022)                   d/dz_k = (T / K) (q_k - r_k)
// `params` has weight_stride, temperature, greatest (upper end of the distances), dfl_scale and ld_scale.
//
// Loops over bins are unrolled, so that bins live in registers, and short, so that few do at a time. One row an invocation, though wider
// accesses are cheaper: software adapters lose more by code that the instruction cache cannot hold. No loop over rows: inside one they
// test the mask of active invocations at every access.

/// the temperature where it is a whole number up to 16: then exp(z) is a power of exp(z / T); otherwise 0
override WHOLE_TEMPERATURE: u32 = 0u;

#include "../lib/bins.wgsl"

const LN2 = 0.6931471805599453;

/// 2^(z T) where `power` is 2^z.
fn at_temperature_one(z: f32, power: f32) -> f32 {
  if (WHOLE_TEMPERATURE == 0u) {
    return exp2(z * params.temperature);
  }
  var result = 1.0;
  var square = power;
  for (var bit = 0u; bit < 5u; bit++) { // unroll
    if (((WHOLE_TEMPERATURE >> bit) & 1u) == 1u) {
      result *= square;
    }
    square *= square;
  }
  return result;
}

/// (e^v - 1 - v) / x^2 for v = x ln 2 and |x| < 0.36: the polynomial of degree 3 of least relative error, 1.5e-6.
fn excess(x: f32) -> f32 {
  return 0.240226183 + x * (0.0555040766 + x * (0.00963811152 + x * 0.00133533407));
}

/// Weight of an element of `weights` over the average factor. An average factor of 0 belongs to an empty set: no loss.
fn weight_of(element: u32) -> f32 {
  let divisor = average_factor[0];
  return select(0.0, weights[element * params.weight_stride] / divisor, divisor > 0.0);
}

/// Returns (DFL, LD), weighted. `step`: from bin to bin; `row`: element of distance and expectation.
fn row_losses(first: u32, step: u32, row: u32, weight: f32) -> vec2f {
  var z: Bins;
  var at = first;
  for (var k = 0u; k < BINS; k++) { // unroll
    z[k] = student[at];
    at += step;
  }
  var r: Bins;
  at = first;
  for (var k = 0u; k < BINS; k++) { // unroll
    r[k] = teacher[at];
    at += step;
  }
  var greatest = z[0];
  for (var k = 1u; k < BINS; k++) { // unroll
    greatest = select(greatest, z[k], z[k] > greatest);
  }
  var teacher_greatest = r[0];
  for (var k = 1u; k < BINS; k++) { // unroll
    teacher_greatest = select(teacher_greatest, r[k], r[k] > teacher_greatest);
  }

  // From here on logits are below the greatest, over T, and in powers of two.
  let temperature = params.temperature;
  let inverse_temperature = 1.0 / (LN2 * temperature);
  let y = clamp(distances[row], 0.0, params.greatest);
  var aim = 0.0;
  for (var k = 0u; k < BINS; k++) { // unroll
    z[k] = (z[k] - greatest) * inverse_temperature;
    aim += two_hot(k, y) * z[k];
  }
  var apart: Bins;
  var sum_r = 0.0;
  for (var k = 0u; k < BINS; k++) { // unroll
    let teacher_logits = (r[k] - teacher_greatest) * inverse_temperature;
    apart[k] = z[k] - teacher_logits;
    r[k] = exp2(teacher_logits);
    sum_r += r[k];
  }
  var q: Bins;
  var p: Bins;
  var sum_q = 0.0;
  var sum_p = 0.0;
  var moment = 0.0;
  for (var k = 0u; k < BINS; k++) { // unroll
    q[k] = exp2(z[k]);
    p[k] = at_temperature_one(z[k], q[k]);
    sum_q += q[k];
    sum_p += p[k];
    moment += f32(k) * p[k];
  }
  expected[row] = moment / sum_p;

  let dfl_factor = params.dfl_scale * weight;
  let ld_factor = params.ld_scale * weight * temperature / f32(BINS);
  let share_p = dfl_factor / sum_p;
  let share_q = ld_factor / sum_q;
  let share_r = ld_factor / sum_r;
  at = first;
  for (var k = 0u; k < BINS; k++) { // unroll
    gradient[at] = (q[k] * share_q - r[k] * share_r) + (p[k] * share_p - dfl_factor * two_hot(k, y));
    at += step;
  }

  // The divergence as sum_k r_k (e^v - 1 - v), v = ln q_k - ln r_k: no term is negative, none cancels; see ../lib/kl.wgsl.
  let ratio = sum_r / sum_q;
  let log_ratio = log2(sum_r) - log2(sum_q);
  var divergence = 0.0;
  for (var k = 0u; k < BINS; k++) { // unroll
    let x = apart[k] + log_ratio;
    divergence += select(q[k] * ratio - r[k] - r[k] * (LN2 * x), r[k] * (x * x * excess(x)), abs(x) < 0.36);
  }
  return vec2f(
    dfl_factor * (log(sum_p) - LN2 * temperature * aim),
    ld_factor * temperature * divergence / sum_r,
  );
}
