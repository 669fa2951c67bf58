// KL between the softmax of both nets' class logits over T (Zheng et al., CVPR 2022, eq. 8): (T²/C) Σ p (ln p − ln q), its gradient
// (T/C) (q − p).

/// Highest logit of student and teacher, and log Σ exp((x − highest)/T).
struct Statistics {
  highest: vec2f,
  log_sum: vec2f,
}

fn statistics_of(at: Place) -> Statistics {
  let entry = params.student_layout[at.level];
  let teacher_entry = params.teacher_layout[at.level];
  var highest = vec2f(-3.0e38);
  for (var c = 0u; c < params.classes; c++) {
    highest = max(highest, class_logits(entry, teacher_entry, at, c));
  }
  var sums = vec2f();
  for (var c = 0u; c < params.classes; c++) {
    sums += exp((class_logits(entry, teacher_entry, at, c) - highest) / params.temperature);
  }
  return Statistics(highest, log(sums));
}

fn class_divergence(logits: vec2f, at: Statistics) -> vec2f {
  let logs = (logits - at.highest) / params.temperature - at.log_sum;
  return divergence(logs.y, logs.x);
}

fn class_scale() -> f32 {
  return params.temperature / f32(params.classes);
}
