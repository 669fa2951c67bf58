// The sum of all terms, one after another.

struct Params {
  count: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> terms: array<f32>;
@group(0) @binding(2) var<storage, read_write> total: array<f32>;

#include "terms.generated.wgsl"

/// Invocations that read: on a GPU each waits for its reads.
override LANES: u32 = 1u;

/// of up to eight levels
var<workgroup> values: array<f32, 8u * TERMS>;

@compute @workgroup_size(LANES)
fn main(@builtin(local_invocation_index) local: u32) {
  for (var i = local; i < params.count; i += LANES) {
    values[i] = terms[i];
  }
  workgroupBarrier();
  if (local == 0u) {
    var sum = 0.0;
    for (var i = 0u; i < params.count; i++) {
      sum += values[i];
    }
    total[0] = sum;
  }
}
