// Moments of a set: count, mean and sum of squared distances from the mean.

/// Joins the moments of two sets (Chan, Golub and LeVeque, 1979): no cancellation, however large the mean.
fn merge(a: vec3f, b: vec3f) -> vec3f {
  let count = a.x + b.x;
  if (b.x == 0.0) {
    return a;
  }
  let distance = b.y - a.y;
  return vec3f(count, a.y + distance * b.x / count, a.z + b.z + distance * distance * a.x * b.x / count);
}
