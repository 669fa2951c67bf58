// What a convolution does with its result before it is stored: x for x > 0, else SLOPE · x, but at most LIMIT.
override SLOPE: f32 = 1.0;
override LIMIT: f32 = 3.4e38;

fn activated(x: vec4f) -> vec4f {
  var found = x;
  if (SLOPE != 1.0) {
    found = select(SLOPE * x, x, x > vec4f());
  }
  if (LIMIT < 3.3e38) {
    found = min(found, vec4f(LIMIT));
  }
  return found;
}
