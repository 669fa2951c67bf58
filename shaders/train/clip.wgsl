// Second half of the global gradient norm, and what follows from it: the factor that clips the gradients
// (torch.nn.utils.clip_grad_norm_), or that this update is skipped because a gradient is NaN or infinite.
struct Params {
  /// largest norm of all gradients together; 0: no clipping
  clip: f32,
  /// of gradient_norm.wgsl, a multiple of LANES
  partial_count: u32,
  /// 1 / number of the batches whose gradients have been added: their mean counts
  share: f32,
}
#include "control.wgsl"
#include "finite.wgsl"
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> partials: array<vec2f>;
@group(0) @binding(2) var<storage, read_write> control: Control;
/// first what makes up for the loss scale, 1 where there is none
@group(0) @binding(3) var<storage, read> unscale: array<f32>;

const LANES = 64u;
var<workgroup> lane_sums: array<vec2f, LANES>;

@compute @workgroup_size(64)
fn main(@builtin(local_invocation_index) local: u32) {
  var own = vec2f();
  for (var i = local; i < params.partial_count; i += LANES) {
    own += partials[i];
  }
  lane_sums[local] = own;
  workgroupBarrier();
  if (local == 0u) {
    var total = vec2f();
    for (var lane = 0u; lane < LANES; lane++) {
      total += lane_sums[lane];
    }
    let share = params.share * unscale[0];
    let norm = share * sqrt(total.x);
    let usable = total.y == 0.0 && finite(total.x);
    control.norm = norm;
    control.apply = select(0u, 1u, usable);
    control.skipped += select(1u, 0u, usable);
    // 1e-6 as in PyTorch, against a division by zero.
    control.scale = share * select(1.0, min(1.0, params.clip / (norm + 1e-6)), params.clip > 0.0 && usable);
  }
}
