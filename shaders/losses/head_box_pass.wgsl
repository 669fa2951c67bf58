// Bindings and includes of passes over samples that read box logits of two nets and add to the student's gradient, an invocation a
// sample. Positives are few: loops over bins read logits again, and end at a uniform so that they compile fast.

#include "../regions/sample.wgsl"

@group(0) @binding(1) var<storage, read> student: array<f32>;
@group(0) @binding(2) var<storage, read> teacher_box: array<f32>;
@group(0) @binding(3) var<storage, read> counts: array<f32>;
@group(0) @binding(4) var<storage, read> samples: array<Sample>;
@group(0) @binding(5) var<storage, read> factors: array<f32>;
@group(0) @binding(6) var<storage, read_write> gradient: array<f32>;
/// expected edges and weights of positives are known
@group(0) @binding(7) var<storage, read_write> records: array<u32>;

#include "../lib/layout.wgsl"
#include "../lib/two_hot.wgsl"
#include "../lib/teacher_cells.wgsl"
#include "../lib/bin_values.wgsl"
#include "../lib/bin_shares.wgsl"
#include "../lib/teacher_edges.wgsl"
#include "head_share.wgsl"
#include "head_place.wgsl"
#include "head_coded.wgsl"
#include "head_records.wgsl"

/// The largest of an edge's logits, and Σ exp((z − largest) / T).
fn student_powers(first: u32, step: u32, inverse_temperature: f32) -> vec2f {
  var highest = -3.0e38;
  for (var k = 0u; k < params.bins; k++) {
    highest = max(highest, student[first + k * step]);
  }
  var sum = 0.0;
  for (var k = 0u; k < params.bins; k++) {
    sum += exp((student[first + k * step] - highest) * inverse_temperature);
  }
  return vec2f(highest, sum);
}
