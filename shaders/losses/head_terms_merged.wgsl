// A workgroup a level adds what head_terms.wgsl has split, as that does whole: in the same order, so with the same bits.

struct Params {
  level_count: u32,
  sources: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
/// [levels, sources, SIZE]: sums of two terms, coded
@group(0) @binding(1) var<storage, read> sums: array<vec2u>;
/// [terms, levels]
@group(0) @binding(2) var<storage, read_write> terms: array<f32>;
/// [terms, levels]: ~location of the first bad one, 0 where all are finite
@group(0) @binding(3) var<storage, read_write> faults: array<u32>;

#include "head_coded.wgsl"
#include "head_records.wgsl"
#include "head_term_sums.wgsl"

@compute @workgroup_size(128)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_index) local: u32) {
  let level = workgroup.x;
  for (var source = 0u; source < params.sources; source++) {
    let codes = sums[(level * params.sources + source) * SIZE + local];
    var first = Sum();
    var second = Sum();
    add(&first, codes.x);
    add(&second, codes.y);
    keep_source(source, Sums(first, second), local);
  }
  write_terms(level, local);
}
