// One workgroup: the sums of the losses of all rows, in a fixed order.
struct Params {
  rows: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
/// (DFL, LD) of two rows
@group(0) @binding(1) var<storage, read> losses: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> dfl: array<f32>;
@group(0) @binding(3) var<storage, read_write> ld: array<f32>;
@group(0) @binding(4) var<storage, read_write> total: array<f32>;

const SIZE = 256u;
var<workgroup> partial: array<vec2f, SIZE>;

@compute @workgroup_size(256)
fn main(@builtin(local_invocation_index) local: u32) {
  var sum = vec2f();
  for (var i = local; i < params.rows / 2u; i += SIZE) {
    sum += losses[i].xy + losses[i].zw;
  }
  if (local == 0u && params.rows % 2u == 1u) {
    sum += losses[params.rows / 2u].xy;
  }
  partial[local] = sum;
  workgroupBarrier();
  // A single barrier: software adapters pay more for each than for the additions.
  if (local == 0u) {
    var all = vec2f();
    for (var i = 0u; i < SIZE; i++) {
      all += partial[i];
    }
    dfl[0] = all.x;
    ld[0] = all.y;
    total[0] = all.x + all.y;
  }
}
