// The class loss of every logit of a pyramid as background, four locations at a time (head_class.wgsl adds the rest of positives). Forms:
// terms/qfl.wgsl and the like. A workgroup takes 256 TURNS locations of an image and PLANES classes.

struct Params {
  batch: u32,
  level_count: u32,
  classes: u32,
  /// of the class loss, over its normaliser
  weight: f32,
  normaliser: u32,
  beta: f32,
  alpha: f32,
  /// (start, height, width, first workgroup) of each level
  levels: array<vec4u, 8>,
}
override PLANES: u32 = 16u;
/// vec4s of a plane that an invocation takes
override TURNS: u32 = 2u;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> student: array<vec4f>;
@group(0) @binding(2) var<storage, read> table: array<u32>;
@group(0) @binding(3) var<storage, read> counts: array<f32>;
@group(0) @binding(4) var<storage, read_write> gradient: array<vec4f>;
/// one an invocation, see head_coded.wgsl
@group(0) @binding(5) var<storage, read_write> partials: array<u32>;

#include "../lib/index.wgsl"
#include "../lib/background.wgsl"
#include "../regions/sample.wgsl"
#include "head_normaliser.wgsl"
#include "head_stream_sum.wgsl"

fn table_at(location: u32) -> vec4u {
  return vec4u(table[location], table[location + 1u], table[location + 2u], table[location + 3u]);
}

/// TURNS times four neighbouring locations, all classes of the workgroup.
fn planes(level: u32, rest: u32, local: u32, factor: f32) -> StreamSum {
  let area = params.levels[level].y * params.levels[level].z;
  let vectors = area / 4u;
  let blocks = (vectors + TURNS * SIZE - 1u) / (TURNS * SIZE);
  let parts = (params.classes + PLANES - 1u) / PLANES;
  let part = (rest / blocks) % parts;
  let image = rest / (blocks * parts);
  let first = part * PLANES;
  let last = min(first + PLANES, params.classes);
  let start = (params.batch * params.classes * params.levels[level].x) / 4u + (image * params.classes + first) * vectors;
  let begin = (rest % blocks) * TURNS * SIZE + local;
  let end = min(begin + TURNS * SIZE, vectors);
  var sum = StreamSum();
  for (var i = begin; i < end; i += SIZE) {
    let location = params.batch * params.levels[level].x + image * area + 4u * i;
    let entries = table_at(location);
    let counted = select(vec4f(1.0), vec4f(), entries >= vec4u(TABLE_IGNORED));
    var at = start + i;
    var losses = vec4f();
    for (var c = first; c < last; c++) {
      let share = select(counted, vec4f(), entries == vec4u(c + 1u));
      let focal = class_background(student[at]);
      losses += share * focal.loss;
      gradient[at] = (factor * share) * focal.slope;
      at += vectors;
    }
    add(&sum, losses, vec4u(location) + vec4u(0u, 1u, 2u, 3u));
  }
  return sum;
}

/// A level whose maps or start are no whole quads: each of four neighbouring logits has its own location and class. Its words were
/// cleared, so that flags need not be looked at.
fn unaligned(level: u32, rest: u32, local: u32, factor: f32) -> StreamSum {
  let area = params.levels[level].y * params.levels[level].z;
  let start = params.batch * params.levels[level].x;
  let elements = params.batch * params.classes * area;
  var sum = StreamSum();
  for (var round = 0u; round < PLANES; round++) {
    let i = 4u * ((rest * PLANES + round) * SIZE + local);
    if (i >= elements) {
      break;
    }
    let index = i + vec4u(0u, 1u, 2u, 3u);
    let plane = index / area;
    let cells = index - plane * area;
    let images = plane / params.classes;
    let exists = index < vec4u(elements);
    let locations = start + min(images, vec4u(params.batch - 1u)) * area + cells;
    let entries = vec4u(table[locations.x], table[locations.y], table[locations.z], table[locations.w]);
    let own = entries == plane - images * params.classes + 1u;
    let share = select(vec4f(), vec4f(1.0), exists & !own & (entries < vec4u(TABLE_IGNORED)));
    let at = (params.classes * start + i) / 4u;
    // Reads nothing past the last logit.
    let focal = class_background(select(vec4f(), student[at], exists));
    add(&sum, share * focal.loss, locations);
    gradient[at] = (factor * share) * focal.slope;
  }
  return sum;
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(num_workgroups) workgroups: vec3u, @builtin(local_invocation_index) local: u32) {
  let group = linear_index(workgroup, workgroups, 0u, 1u);
  var level = 0u;
  while (level + 1u < params.level_count && group >= params.levels[level + 1u].w) {
    level++;
  }
  let rest = group - params.levels[level].w;
  let factor = params.weight / divisor_of_counts(params.normaliser);
  var sum: StreamSum;
  let entry = params.levels[level];
  if ((entry.y * entry.z) % 4u == 0u && (params.batch * entry.x) % 4u == 0u) {
    sum = planes(level, rest, local, factor);
  } else {
    sum = unaligned(level, rest, local, factor);
  }
  partials[group * SIZE + local] = partial_of(sum, factor);
}
