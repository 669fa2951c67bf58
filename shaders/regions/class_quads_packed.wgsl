// Class logits of which a binding can be seen as vectors, as in box_quads_packed.wgsl.

@group(0) @binding(2) var<storage, read> student_class: array<vec4f>;

fn class_quad(element: u32, step: u32) -> vec4f {
  if (step == 1u && element % 4u == 0u) {
    return student_class[element / 4u];
  }
  return vec4f(class_logit(element), class_logit(element + step), class_logit(element + 2u * step), class_logit(element + 3u * step));
}

fn class_logit(element: u32) -> f32 {
  return student_class[element / 4u][element % 4u];
}
