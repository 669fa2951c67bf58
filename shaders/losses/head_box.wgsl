// The box losses of all listed rows (see head_box_rows.wgsl) and LD of all listed quads, four locations at a time, of packed
// pyramids: an access of a vec4 costs software adapters little more than one of a float.

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> student: array<vec4f>;
@group(0) @binding(2) var<storage, read> teacher: array<vec4f>;
/// [G] xyxy pixels
@group(0) @binding(3) var<storage, read> truth: array<vec4f>;
@group(0) @binding(4) var<storage, read> counts: array<f32>;
@group(0) @binding(5) var<storage, read> rows: array<Row>;
/// of head_class.wgsl: the scores are its fourth quantity
@group(0) @binding(6) var<storage, read> class_partials: array<vec2u>;
/// laid out as the student's logits
@group(0) @binding(7) var<storage, read_write> gradient: array<vec4f>;
/// of each row ROW_WORDS: coded losses (head_coded.wgsl) of box, DFL, LD main, LD VLR, level; from quad_partials on of each quad
/// QUAD_WORDS: coded loss of LD VLR, level
@group(0) @binding(8) var<storage, read_write> partials: array<u32>;

#include "head_box_rows.wgsl"

/// Bins of four rows; fewer than MAX_BINS, for adapters that clear what they do not use.
alias Bins4 = array<vec4f, 32>;

fn student_at(element: u32) -> f32 {
  return student[element / 4u][element % 4u];
}

fn teacher_at(element: u32) -> f32 {
  return teacher[element / 4u][element % 4u];
}

fn set_gradient(element: u32, slope: f32) {
  gradient[element / 4u][element % 4u] = slope;
}

/// `powers_of_bins` of four rows.
fn powers_of_quad(z: ptr<function, Bins4>, power: ptr<function, Bins4>, inverse_temperature: f32) -> vec4f {
  var greatest = (*z)[0];
  for (var k = 1u; k < BINS; k++) { // unroll
    greatest = max(greatest, (*z)[k]);
  }
  var sum = vec4f();
  for (var k = 0u; k < BINS; k++) { // unroll
    let shifted = ((*z)[k] - greatest) * inverse_temperature;
    (*z)[k] = shifted;
    (*power)[k] = exp(shifted);
    sum += (*power)[k];
  }
  return sum;
}

/// LD of the VLR of a quad, ℓ = (T²/K) Σ p (ln p − ln q), its gradient (T/K) (q − p); `positive` has a bit for each location
/// that another invocation writes.
fn quad_losses(at: Place, weights: vec4f, positive: u32) -> vec4f {
  let cold = 1.0 / params.temperature;
  let scale = params.temperature / f32(BINS);
  let entry = params.student_layout[at.level];
  let teacher_entry = params.teacher_layout[at.level];
  let free = (vec4u(positive) & vec4u(1u, 2u, 4u, 8u)) == vec4u();
  var kl = vec4f();
  for (var edge = 0u; edge < 4u; edge++) {
    let first = strided(entry, at.image, edge * BINS, at.index) / 4u;
    let teacher_first = strided(teacher_entry, at.image, edge * BINS, at.index) / 4u;
    var z: Bins4;
    var taught: Bins4;
    for (var k = 0u; k < BINS; k++) { // unroll
      z[k] = student[first + k * (entry.z / 4u)];
    }
    for (var k = 0u; k < BINS; k++) { // unroll
      taught[k] = teacher[teacher_first + k * (teacher_entry.z / 4u)];
    }
    var p: Bins4;
    var q: Bins4;
    let sum_p = powers_of_quad(&taught, &p, cold);
    let sum_q = powers_of_quad(&z, &q, cold);
    let share_p = 1.0 / sum_p;
    let share_q = 1.0 / sum_q;
    let log_ratio = log(sum_p) - log(sum_q);
    for (var k = 0u; k < BINS; k++) { // unroll
      let part = divergence_of4(p[k] * share_p, q[k] * share_q, z[k] - taught[k] + log_ratio);
      kl += part.divergence;
      // Of a location without weight nothing counts, whatever its logits.
      z[k] = select(vec4f(), scale * weights * part.difference, weights != vec4f());
    }
    for (var k = 0u; k < BINS; k++) { // unroll
      let at_bin = first + k * (entry.z / 4u);
      if (free.x) { gradient[at_bin].x = z[k].x; }
      if (free.y) { gradient[at_bin].y = z[k].y; }
      if (free.z) { gradient[at_bin].z = z[k].z; }
      if (free.w) { gradient[at_bin].w = z[k].w; }
    }
  }
  return select(vec4f(), params.temperature * scale * weights * kl, weights != vec4f());
}

/// One quad; writes its loss and its level.
fn do_quad(index: u32) {
  let found = find_entry(index, COUNT_QUADS);
  let slot = found.y * params.image_slots + params.image_rows + 2u * found.x;
  let quad = rows[slot];
  let at = place_of(quad.location, found.y);
  let weights = vlr_factor_of() * quad_weights(quad, rows[slot + 1u]);
  let entry = params.quad_partials + QUAD_WORDS * index;
  partials[entry] = 0u;
  partials[entry + 1u] = at.level;
  if (any(weights != vec4f())) {
    let losses = quad_losses(at, weights, quad.assigned);
    let first_bad = select(select(select(3u, 2u, is_bad(losses.z)), 1u, is_bad(losses.y)), 0u, is_bad(losses.x));
    partials[entry] = coded((losses.x + losses.y) + (losses.z + losses.w), quad.location + first_bad);
  }
}

/// Of `count` entries those of a workgroup, whole groups of 64 one after another: neighbours in the lists lie in the same pages of
/// each of the 204 planes.
fn share_of_workgroup(count: u32, workgroup: u32, workgroups: u32) -> vec2u {
  let size = ROWS * ((count + ROWS * workgroups - 1u) / (ROWS * workgroups));
  return min(vec2u(workgroup * size, (workgroup + 1u) * size), vec2u(count));
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(num_workgroups) workgroups: vec3u, @builtin(local_invocation_index) local: u32) {
  let row_share = share_of_workgroup(listed(COUNT_ROWS), workgroup.x, workgroups.x);
  for (var index = row_share.x + local; index < row_share.y; index += ROWS) {
    do_row(index);
  }
  let quad_share = share_of_workgroup(listed(COUNT_QUADS), workgroup.x, workgroups.x);
  for (var index = quad_share.x + local; index < quad_share.y; index += ROWS) {
    do_quad(index);
  }
}
