// Needs Element and RELU.

/// The part of the incoming gradient that flows on; `distance`: of the input from the mean.
fn passed(value: Element, distance: Element, factor: f32, offset: f32) -> Element {
  if (RELU) {
    return select(Element(), value, distance * factor + offset > Element());
  }
  return value;
}
