// What follows from an update for the scale of the loss (Micikevicius et al., ICLR 2018, section 3.2; the schedule as in PyTorch's GradScaler):
// halved where the update was skipped, doubled after PATIENCE that were not.
const LEAST = 1.0;
const MOST = 65536.0;
const PATIENCE = 200.0;

struct State {
  /// 1 / scale; exact, since scales are powers of two
  inverse: f32,
  /// updates since the scale last changed
  updates: f32,
  /// updates skipped since the training began
  skipped: f32,
  unused: f32,
}
#include "control.wgsl"
@group(0) @binding(0) var<storage, read> control: Control;
/// [1]
@group(0) @binding(1) var<storage, read_write> scale: array<f32>;
@group(0) @binding(2) var<storage, read_write> state: State;

@compute @workgroup_size(1)
fn main() {
  if (control.apply == 0u) {
    scale[0] = max(LEAST, 0.5 * scale[0]);
    state.updates = 0.0;
    state.skipped += 1.0;
  } else {
    state.updates += 1.0;
    if (state.updates >= PATIENCE) {
      scale[0] = min(MOST, 2.0 * scale[0]);
      state.updates = 0.0;
    }
  }
  state.inverse = 1.0 / scale[0];
}
