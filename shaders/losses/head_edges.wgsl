// Boxes of positives from their records. Needs head_records.wgsl, head_centre.wgsl, ../lib/box_parameters.wgsl and the binding `records`.

fn recorded_edges(record: u32) -> vec4f {
  var expected: vec4f;
  for (var edge = 0u; edge < 4u; edge++) {
    expected[edge] = bitcast<f32>(records[record + RECORD_EDGES + edge]);
  }
  return expected;
}

/// In strides.
fn decoded(edges: vec4f, centre: vec2f) -> vec4f {
  return decode_box(edges, centre, params.anchor, params.bins);
}
