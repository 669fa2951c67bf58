// Box logits of any layout.

@group(0) @binding(1) var<storage, read> student_box: array<f32>;

fn box_quad(element: u32, step: u32) -> vec4f {
  return vec4f(student_box[element], student_box[element + step], student_box[element + 2u * step], student_box[element + 3u * step]);
}
