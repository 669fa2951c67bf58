// output[b, m, n] = Σ_k left[b, m, k] · right[b, k, n], each operand with its own steps. A workgroup computes 16 × 16 elements.
struct Params {
  rows: u32,
  columns: u32,
  inner: u32,
  left_row: u32,
  left_column: u32,
  right_row: u32,
  right_column: u32,
  /// matrices
  batch: u32,
  /// (extent, step of left, step of right) of the dimensions in front, outermost first
  outer: array<vec4u, 6>,
}
override OUTER: u32 = 6;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> left: array<f32>;
@group(0) @binding(2) var<storage, read> right: array<f32>;
@group(0) @binding(3) var<storage, read_write> output: array<f32>;

var<workgroup> left_tile: array<f32, 256>;
var<workgroup> right_tile: array<f32, 256>;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(num_workgroups) workgroups: vec3u, @builtin(local_invocation_index) local: u32) {
  let own_row = local / 16u;
  let own_column = local % 16u;
  let row = workgroup.y * 16u + own_row;
  let column = workgroup.x * 16u + own_column;
  for (var matrix = workgroup.z; matrix < params.batch; matrix += workgroups.z) {
    var rest = matrix;
    var first = vec2u();
    for (var d = OUTER - 1u; d > 0u; d--) {
      first += rest % params.outer[d].x * params.outer[d].yz;
      rest /= params.outer[d].x;
    }
    first += rest * params.outer[0].yz;

    var sum = 0.0;
    for (var start = 0u; start < params.inner; start += 16u) {
      let left_k = start + own_column;
      let right_k = start + own_row;
      var values = vec2f();
      if (row < params.rows && left_k < params.inner) {
        values.x = left[first.x + row * params.left_row + left_k * params.left_column];
      }
      if (column < params.columns && right_k < params.inner) {
        values.y = right[first.y + right_k * params.right_row + column * params.right_column];
      }
      left_tile[local] = values.x;
      right_tile[local] = values.y;
      workgroupBarrier();
      for (var k = 0u; k < 16u; k++) {
        sum += left_tile[own_row * 16u + k] * right_tile[k * 16u + own_column];
      }
      workgroupBarrier();
    }
    if (row < params.rows && column < params.columns) {
      output[(matrix * params.rows + row) * params.columns + column] = sum;
    }
  }
}
