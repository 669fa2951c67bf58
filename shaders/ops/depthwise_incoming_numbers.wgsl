// Incoming gradients of four neighbouring pixels, of maps of any width.
@group(0) @binding(2) var<storage, read> incoming: array<Stored>;

/// `start`: the row's first element; zero beyond the row.
fn incoming_four(start: u32, x: u32, width: u32) -> vec4f {
  let own = x + vec4u(0u, 1u, 2u, 3u);
  let at = start + min(own, vec4u(width - 1u));
  let found = Stored4(incoming[at.x], incoming[at.y], incoming[at.z], incoming[at.w]);
  return select(vec4f(), vec4f(found), own < vec4u(width));
}
