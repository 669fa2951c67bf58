// Box logits bound as vectors: four that lie side by side at a multiple of four are read at once.

@group(0) @binding(1) var<storage, read> student_box: array<vec4f>;

fn box_quad(element: u32, step: u32) -> vec4f {
  if (step == 1u && element % 4u == 0u) {
    return student_box[element / 4u];
  }
  return vec4f(box_logit(element), box_logit(element + step), box_logit(element + 2u * step), box_logit(element + 3u * step));
}

fn box_logit(element: u32) -> f32 {
  return student_box[element / 4u][element % 4u];
}
