// Loss of an invocation of the pass over all class logits. Each writes its own: a barrier would cost software adapters more than adding
// so many numbers later.

#include "head_coded.wgsl"

const SIZE = 64u;

// Kinds of partial sums, one after another; only head_stream_taught.wgsl has more than the class loss.
const SUM_CLASS = 0u;
const SUM_KD = 1u;
/// of the locations' weights, in the order of the weights: max_c |σ(teacher) − σ(student)|, max_c σ(teacher)
const SUM_WEIGHTS = 2u;
const SUMS = 4u;

struct StreamSum {
  loss: f32,
  /// ~location of the first bad logit, 0 where all are finite
  fault: u32,
}

fn add(sum: ptr<function, StreamSum>, losses: vec4f, locations: vec4u) {
  (*sum).loss += (losses.x + losses.y) + (losses.z + losses.w);
  let bad = (bitcast<vec4u>(losses) & vec4u(BAD)) == vec4u(BAD);
  let faults = select(vec4u(), ~locations, bad);
  (*sum).fault = max(max((*sum).fault, max(faults.x, faults.y)), max(faults.z, faults.w));
}

fn partial_of(sum: StreamSum, factor: f32) -> u32 {
  return coded_sum(factor * sum.loss, sum.fault);
}
