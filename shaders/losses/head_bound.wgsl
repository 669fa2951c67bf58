// Logits and gradient that lie in bindings of the kernel: `student`, `teacher` and `gradient`.

fn student_at(element: u32) -> f32 {
  return student[element];
}

fn teacher_at(element: u32) -> f32 {
  return teacher[element];
}

fn set_gradient(element: u32, slope: f32) {
  gradient[element] = slope;
}
