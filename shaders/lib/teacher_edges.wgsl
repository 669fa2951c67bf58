// The teacher's edges in the student's bins. Bin k of the teacher's is a distance of t_k of its strides from its location (k, or from a
// table): in the student's strides and from the student's location that is slope · t_k + shift. Needs layout.wgsl, two_hot.wgsl,
// bin_values.wgsl, bin_shares.wgsl, teacher_cells.wgsl and the binding `teacher_box`; `params` has, besides what these ask for,
//   bins: u32, teacher_bins: u32, teacher_offset: f32 (the teacher's centre offset, cells),
//   teacher_box_layout: array<vec4u, 8> by the student's levels, teacher_projection: array<vec4f, 16>.
// Distances only: bins that mean offsets from an anchor are not brought into others.

/// Whether the teacher's bins stand for other distances than the student's. Otherwise bin k is bin k.
override TEACHER_REBINNED: bool = false;
override TEACHER_TABLE: bool = false;

fn teacher_value_of(k: u32) -> f32 {
  if (TEACHER_TABLE) {
    return params.teacher_projection[k / 4u][k % 4u];
  }
  return f32(k);
}

/// (slope, shift) of an edge
fn teacher_line(level: u32, index: u32, edge: u32) -> vec2f {
  let point = location_point(level, index);
  let cells = params.teacher_cells[level].xy;
  var cell = point - params.centre_offset;
  if (TEACHER_MAPPED) {
    cell = teacher_cell(level, point);
  }
  // From the teacher's location to the student's: left and top edges are farther by it, right and bottom ones nearer.
  let way = point - (cell + params.teacher_offset) / cells;
  let along = select(way.x, way.y, (edge & 1u) == 1u);
  return vec2f(1.0 / select(cells.x, cells.y, (edge & 1u) == 1u), select(along, -along, edge >= 2u));
}

/// Element of bin 0 of an edge of the teacher's.
fn teacher_first(level: u32, image: u32, index: u32, edge: u32) -> u32 {
  let entry = params.teacher_box_layout[level];
  return strided(entry, image, edge * params.teacher_bins, teacher_index(level, index));
}

/// The teacher's expected edge, in the student's strides. What lies beyond the student's bins is not clipped.
fn teacher_edge(level: u32, image: u32, index: u32, edge: u32) -> f32 {
  let first = teacher_first(level, image, index, edge);
  let step = params.teacher_box_layout[level].z;
  var expected = teacher_box[first];
  if (params.teacher_bins > 1u) {
    var highest = -3.0e38;
    for (var k = 0u; k < params.teacher_bins; k++) {
      highest = max(highest, teacher_box[first + k * step]);
    }
    var sum = 0.0;
    var moment = 0.0;
    for (var k = 0u; k < params.teacher_bins; k++) {
      let power = exp(teacher_box[first + k * step] - highest);
      sum += power;
      moment += teacher_value_of(k) * power;
    }
    expected = moment / sum;
  }
  if (TEACHER_REBINNED) {
    let line = teacher_line(level, index, edge);
    expected = line.x * expected + line.y;
  }
  return expected;
}

/// The distribution of an edge of the teacher's, softmax(z / T), over its own bins.
struct TeacherEdge {
  /// element of bin 0, and from bin to bin
  first: u32,
  step: u32,
  /// (slope, shift)
  line: vec2f,
  inverse_temperature: f32,
  highest: f32,
  /// Σ exp((z - highest) / T)
  sum: f32,
}

fn teacher_distribution(level: u32, image: u32, index: u32, edge: u32, inverse_temperature: f32) -> TeacherEdge {
  let first = teacher_first(level, image, index, edge);
  let step = params.teacher_box_layout[level].z;
  var highest = -3.0e38;
  for (var k = 0u; k < params.teacher_bins; k++) {
    highest = max(highest, teacher_box[first + k * step]);
  }
  var sum = 0.0;
  for (var k = 0u; k < params.teacher_bins; k++) {
    sum += exp((teacher_box[first + k * step] - highest) * inverse_temperature);
  }
  var line = vec2f(1.0, 0.0);
  if (TEACHER_REBINNED) {
    line = teacher_line(level, index, edge);
  }
  return TeacherEdge(first, step, line, inverse_temperature, highest, sum);
}

/// The share of the student's bin `bin`: each of the teacher's bins is shared out to the two about its distance, as DFL shares out a
/// target; the end bins take what lies beyond them. Shares add up to 1, and the mean is kept where nothing lies beyond.
fn teacher_share(edge: TeacherEdge, bin: u32) -> f32 {
  if (!TEACHER_REBINNED) {
    return exp((teacher_box[edge.first + bin * edge.step] - edge.highest) * edge.inverse_temperature) / edge.sum;
  }
  let last_value = value_of(params.bins - 1u);
  let last = f32(params.teacher_bins - 1u);
  // The teacher's bins within one of `bin`; those beyond the ends count for the ends. Of tables all are looked at.
  let reach = (vec2f(f32(bin) - 1.0, f32(bin) + 1.0) - edge.line.y) / edge.line.x;
  let from_bin = select(u32(clamp(floor(reach.x), 0.0, last)), 0u, TABLE || TEACHER_TABLE || bin == 0u);
  let to_bin = select(u32(clamp(ceil(reach.y), 0.0, last)), params.teacher_bins - 1u, TABLE || TEACHER_TABLE || bin + 1u == params.bins);
  var sum = 0.0;
  for (var k = from_bin; k <= to_bin; k++) {
    let value = clamp(edge.line.x * teacher_value_of(k) + edge.line.y, value_of(0u), last_value);
    var share = two_hot(bin, value);
    if (TABLE) {
      share = value_share(bin, value, params.bins);
    }
    sum += share * exp((teacher_box[edge.first + k * edge.step] - edge.highest) * edge.inverse_temperature);
  }
  return sum / edge.sum;
}
