// What each row weighs in decoupled distillation focal loss (D-FINE, Peng et al., ICLR 2025, eq. 6): of P matched and Q other rows
//   own weight · K / (sqrt(n) (sqrt(P) + sqrt(Q))),   n = P or Q: the rows' means, weighted by the roots of their numbers.
// One workgroup, which counts in a fixed order. K turns temperature_kl.wgsl's mean over bins into a sum.
struct Params {
  rows: u32,
  weight_stride: u32,
  bins: f32,
}
@group(0) @binding(0) var<uniform> params: Params;
/// [R]: greater than 0 where the row is matched
@group(0) @binding(1) var<storage, read> matched: array<f32>;
@group(0) @binding(2) var<storage, read> weights: array<f32>;
/// [R]
@group(0) @binding(3) var<storage, read_write> row_weights: array<f32>;

const SIZE = 256u;
var<workgroup> counts: array<u32, SIZE>;

@compute @workgroup_size(256)
fn main(@builtin(local_invocation_index) local: u32) {
  var own = 0u;
  for (var row = local; row < params.rows; row += SIZE) {
    own += select(0u, 1u, matched[row] > 0.0);
  }
  counts[local] = own;
  for (var half = SIZE / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (local < half) {
      counts[local] += counts[local + half];
    }
  }
  workgroupBarrier();
  let roots = sqrt(vec2f(f32(counts[0]), f32(params.rows - counts[0])));
  for (var row = local; row < params.rows; row += SIZE) {
    let root = select(roots.y, roots.x, matched[row] > 0.0);
    row_weights[row] = weights[row * params.weight_stride] * params.bins / (root * (roots.x + roots.y));
  }
}
