// Loss of a workgroup of the pass over all class logits, and the first location where it is not a number.

const SIZE = 64u;

struct StreamSum {
  loss: f32,
  /// ~location of the first bad logit, 0 where all are finite
  fault: u32,
}

var<workgroup> losses_of: array<f32, SIZE>;
var<workgroup> fault_of: atomic<u32>;

/// By the bits, since compilers may assume that there is no NaN.
fn add(sum: ptr<function, StreamSum>, losses: vec4f, locations: vec4u) {
  (*sum).loss += (losses.x + losses.y) + (losses.z + losses.w);
  let bad = (bitcast<vec4u>(losses) & vec4u(0x7f800000u)) == vec4u(0x7f800000u);
  let faults = select(vec4u(), ~locations, bad);
  (*sum).fault = max(max((*sum).fault, max(faults.x, faults.y)), max(faults.z, faults.w));
}

fn write_sum(sum: StreamSum, factor: f32, group: u32, local: u32) {
  losses_of[local] = sum.loss;
  if (sum.fault != 0u) {
    atomicMax(&fault_of, sum.fault);
  }
  workgroupBarrier();
  if (local < 8u) {
    var eight = 0.0;
    for (var i = local; i < SIZE; i += 8u) {
      eight += losses_of[i];
    }
    losses_of[local] = eight;
  }
  workgroupBarrier();
  if (local == 0u) {
    var total = 0.0;
    for (var i = 0u; i < 8u; i++) {
      total += losses_of[i];
    }
    partials[group] = vec2u(bitcast<u32>(factor * total), atomicLoad(&fault_of));
  }
}
