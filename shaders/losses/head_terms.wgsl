// One workgroup a term and level: sums the partial losses of the level's locations in a fixed order, and keeps the first
// location whose partial is not a number, so that bad logits can be named.

struct Params {
  batch: u32,
  level_count: u32,
  locations: u32,
  levels: array<vec4u, 8>,
}
@group(0) @binding(0) var<uniform> params: Params;
/// [terms, locations]
@group(0) @binding(1) var<storage, read> partials: array<f32>;
/// [terms, levels]
@group(0) @binding(2) var<storage, read_write> terms: array<f32>;
/// [terms, levels]: the first bad location, NONE where all are finite
@group(0) @binding(3) var<storage, read_write> faults: array<u32>;

const SIZE = 256u;
const NONE = 0xffffffffu;

var<workgroup> sums: array<f32, SIZE>;
var<workgroup> first: array<u32, SIZE>;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_index) local: u32) {
  let level = workgroup.x;
  let term = workgroup.y;
  let entry = params.levels[level];
  let start = params.batch * entry.x;
  let count = params.batch * entry.y * entry.z;
  var sum = 0.0;
  var bad = NONE;
  for (var i = local; i < count; i += SIZE) {
    let value = partials[term * params.locations + start + i];
    // By the bits, since compilers may assume that there is no NaN.
    if ((bitcast<u32>(value) & 0x7f800000u) == 0x7f800000u) {
      bad = min(bad, start + i);
    }
    sum += value;
  }
  sums[local] = sum;
  first[local] = bad;
  for (var half = SIZE / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (local < half) {
      sums[local] += sums[local + half];
      first[local] = min(first[local], first[local + half]);
    }
  }
  if (local == 0u) {
    terms[term * params.level_count + level] = sums[0];
    faults[term * params.level_count + level] = first[0];
  }
}
