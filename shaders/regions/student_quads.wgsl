// Boxes from the student's distributions (Generalized Focal Loss, eq. 6) at four neighbouring locations. Needs quads.wgsl, ../lib/layout.wgsl,
// ../lib/bin_values.wgsl, ../lib/box_parameters.wgsl and box_quad(element, step): four logits, `step` elements apart. `params` has bins,
// half_side and box_layout. Loops over bins end at a uniform: unrolled, they take long to compile.

/// Expected edges of the four, in bins; without distributions the distances. Reads every logit once: on software adapters a read costs
/// more than another power.
fn expected_quad(first: u32, entry: vec4u) -> vec4f {
  if (params.bins == 1u) {
    return box_quad(first, entry.w);
  }
  var highest = vec4f(-3.0e38);
  var sum = vec4f();
  var moment = vec4f();
  for (var k = 0u; k < params.bins; k++) {
    let z = box_quad(first + k * entry.z, entry.w);
    let higher = max(highest, z);
    let shrink = exp(highest - higher);
    let power = exp(z - higher);
    sum = sum * shrink + power;
    moment = moment * shrink + value_of(k) * power;
    highest = higher;
  }
  return moment / sum;
}

/// Left, top, right and bottom, in bins.
struct QuadEdges {
  edges: array<vec4f, 4>,
}

fn expected_edges(at: Quad) -> QuadEdges {
  let entry = params.box_layout[at.level];
  var found: QuadEdges;
  for (var edge = 0u; edge < 4u; edge++) {
    found.edges[edge] = expected_quad(strided(entry, at.image, edge * params.bins, at.cell), entry);
  }
  return found;
}

/// Box of the `i`-th, xyxy pixels.
fn quad_box(at: Quad, found: ptr<function, QuadEdges>, centre: vec2f, i: u32) -> vec4f {
  let stride = f32(params.levels[at.level].w);
  let expected = vec4f((*found).edges[0][i], (*found).edges[1][i], (*found).edges[2][i], (*found).edges[3][i]);
  return stride * decode_box(expected, centre / stride, 2.0 * params.half_side, params.bins);
}
