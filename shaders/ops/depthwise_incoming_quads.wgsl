// Incoming gradients of four neighbouring pixels, of maps whose width is a multiple of four.
@group(0) @binding(2) var<storage, read> incoming: array<Stored4>;

/// `start`: the row's first element.
fn incoming_four(start: u32, x: u32, width: u32) -> vec4f {
  return vec4f(incoming[(start + x) / 4u]);
}
