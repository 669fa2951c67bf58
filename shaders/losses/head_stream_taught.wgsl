// head_stream.wgsl beside a teacher: also class distillation at all locations and the weights of locations in the distillation of boxes.
// For levels of whole quads whose locations have the same index in the teacher's maps. A workgroup takes 256 TURNS locations of an image
// and PLANES classes, which are all of them where locations are weighed.

override PLANES: u32 = 16u;
/// vec4s of a plane that an invocation takes
override TURNS: u32 = 1u;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> student: array<vec4f>;
@group(0) @binding(2) var<storage, read> teacher: array<vec4f>;
@group(0) @binding(3) var<storage, read> table: array<u32>;
@group(0) @binding(4) var<storage, read> counts: array<f32>;
@group(0) @binding(5) var<storage, read_write> gradient: array<vec4f>;
/// [SUMS, invocations of the pass], see head_stream_sum.wgsl
@group(0) @binding(6) var<storage, read_write> partials: array<u32>;
/// [WEIGHTS, locations], where locations are weighed
@group(0) @binding(7) var<storage, read_write> weights: array<vec4f>;

#include "head_lesson.wgsl"

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(num_workgroups) workgroups: vec3u, @builtin(local_invocation_index) local: u32) {
  let group = params.first_group + linear_index(workgroup, workgroups, 0u, 1u);
  let level = level_of(group);
  let entry = params.levels[level];
  let factors = factors_of(level);
  let rest = group - entry.w;
  let area = entry.y * entry.z;
  let vectors = area / 4u;
  let blocks = (vectors + TURNS * SIZE - 1u) / (TURNS * SIZE);
  let parts = (params.classes + PLANES - 1u) / PLANES;
  let part = (rest / blocks) % parts;
  let image = rest / (blocks * parts);
  let first = part * PLANES;
  let last = min(first + PLANES, params.classes);
  let start = (params.batch * params.classes * entry.x) / 4u + (image * params.classes + first) * vectors;
  let begin = (rest % blocks) * TURNS * SIZE + local;
  let end = min(begin + TURNS * SIZE, vectors);
  var class_loss = StreamSum();
  var distillation = StreamSum();
  var weight_sums = vec2f();
  for (var i = begin; i < end; i += SIZE) {
    let location = params.batch * entry.x + image * area + 4u * i;
    let locations = vec4u(location) + vec4u(0u, 1u, 2u, 3u);
    let entries = vec4u(table[location], table[location + 1u], table[location + 2u], table[location + 3u]);
    let counted = select(vec4f(1.0), vec4f(), entries >= vec4u(TABLE_IGNORED));
    var at = start + i;
    var losses = vec4f();
    var distilled = vec4f();
    var apart = vec4f();
    var highest = vec4f(-3.0e38);
    var is_spoilt = vec4<bool>();
    for (var c = first; c < last; c++) {
      let x = student[at];
      let t = teacher[at];
      let share = select(counted, vec4f(), entries == vec4u(c + 1u));
      let focal = class_background(x);
      let taught = class_lesson(x, t);
      losses += share * focal.loss;
      distilled += counted * taught.loss;
      gradient[at] = (factors.x * share) * focal.slope + (factors.y * counted) * taught.slope;
      if (WEIGHS_DIFFERENCE) {
        apart = max(apart, scores_apart(x, t));
        is_spoilt |= is_bad4(x) | is_bad4(t);
      }
      if (WEIGHS_TEACHER) {
        highest = max(highest, t);
        is_spoilt |= is_bad4(t);
      }
      at += vectors;
    }
    add(&class_loss, losses, locations);
    add(&distillation, distilled, locations);
    if (WEIGHS_DIFFERENCE) {
      let weight = spoilt4(counted * apart, is_spoilt);
      weights[location / 4u] = weight;
      weight_sums.x += (weight.x + weight.y) + (weight.z + weight.w);
    }
    if (WEIGHS_TEACHER) {
      let weight = spoilt4(counted * background_of(highest).score, is_spoilt);
      weights[(params.weight_stride + location) / 4u] = weight;
      weight_sums.y += (weight.x + weight.y) + (weight.z + weight.w);
    }
  }
  write_partials(group * SIZE + local, class_loss, distillation, weight_sums, factors);
}
