// The lists of list_samples.wgsl, in the same order, by many workgroups an image: (object, PARTS of each level). For GPUs, where a workgroup
// that takes one object after another leaves most of them idle. Three dispatches, then list_sums.wgsl:
//   CLAIM: every object marks its locations; of all marks the first in the order of the list stays;
//   COUNT: how many locations each workgroup has got;
//   PLACE: they are written behind those of the workgroups before.
// The including file says by entries, entry_location and assigned_of what an assigner found.

override STEP: u32 = 0u;
const CLAIM = 0u;
const COUNT = 1u;
const PLACE = 2u;

/// Whether positives have target scores already; otherwise they get 1.
override SCORED: bool = false;

/// zeros at first, see claims.wgsl
@group(0) @binding(6) var<storage, read_write> claims: array<atomic<u32>>;
/// [locations], see sample.wgsl; zeros but for ignored locations
@group(0) @binding(7) var<storage, read_write> table: array<u32>;
@group(0) @binding(8) var<storage, read_write> samples: array<Sample>;

#include "list_inputs.wgsl"
#include "claims.wgsl"

const SIZE = 32u;
/// Invocations of a workgroup: `append` with one cell each.
const LANES = CELLS * SIZE;

// Of all marks of a location the highest stays: positives before others, each in the order of objects.
const FIRST_POSITIVE = 0x7fffffffu;
const FIRST_MEMBER = 0x3fffffffu;

/// What becomes of a positive: `assigned` and `score` of its sample.
struct Assigned {
  assigned: u32,
  score: f32,
}

/// Of all objects of an image: positives, other samples; then of those before this workgroup's.
var<workgroup> sums: array<atomic<u32>, 4>;

fn image_of(g: u32) -> u32 {
  var image = 0u;
  while (image_starts[image + 1u] <= g) {
    image++;
  }
  return image;
}

/// `append` for one cell of each of LANES invocations, in their order.
fn append_one(list: ptr<function, List>, wants: bool, local: u32) -> u32 {
  let word = local / SIZE;
  return append(list, vec4<bool>(wants) & (vec4u(word) == vec4u(0u, 1u, 2u, 3u)), local % SIZE)[word];
}

/// Adds up the counts of an image's workgroups. The first of them leaves its sums for list_sums.wgsl.
fn find_sums(g: u32, piece: u32, image: u32, local: u32) {
  let first = image_starts[image];
  let end = counts_at(image_starts[image + 1u]);
  for (var i = counts_at(first) + local; i < end; i += LANES) {
    let count = atomicLoad(&claims[i]);
    let kind = select(1u, 0u, (i - counts_at(0u)) % count_words() == 0u);
    atomicAdd(&sums[kind], count);
    if (i < counts_at(g) + kind * (1u + piece)) {
      atomicAdd(&sums[2u + kind], count);
    }
  }
  workgroupBarrier();
  if (g == first && piece == 0u && local == 0u) {
    let at = listed_at(image);
    atomicStore(&claims[at], atomicLoad(&sums[0]));
    atomicStore(&claims[at + 1u], atomicLoad(&sums[0]) + atomicLoad(&sums[1]));
  }
}

fn overlap_at(location: u32) -> f32 {
  if (!VLR) {
    return 0.0;
  }
  return bitcast<f32>(atomicLoad(&claims[params.locations + location]));
}

fn take_entries(list: ptr<function, List>, g: u32, image: u32, local: u32) {
  for (var first = 0u; first < entries(); first += LANES) {
    let entry = first + local;
    var location = NONE;
    if (entry < entries()) {
      location = entry_location(g, image, entry);
    }
    let mark = FIRST_POSITIVE - (g * entries() + entry);
    if (STEP == CLAIM) {
      if (location != NONE) {
        atomicMax(&claims[location], mark);
      }
      continue;
    }
    var is_own = location != NONE;
    if (is_own) {
      is_own = atomicLoad(&claims[location]) == mark;
    }
    let place = append_one(list, is_own, local);
    if (STEP == PLACE && is_own) {
      let found = assigned_of(g, image, entry, location);
      let score = select(1.0, found.score, SCORED);
      samples[image * params.image_slots + place] = Sample(location, found.assigned, score, overlap_at(location));
      table[location] = (found.assigned & 0xffffu) + 1u;
    }
  }
}

/// A location's weight is its highest IoU with a ground truth of whose region it is.
fn take_members(list: ptr<function, List>, g: u32, image: u32, piece: u32, local: u32) {
  let level = piece / PARTS;
  let entry = windows[g * params.level_count + level];
  let window = Window(entry.xy, vec2u(entry.z & 0xffffu, entry.z >> 16u));
  let size = window.size.x * window.size.y;
  let share = LANES * ((size + LANES * PARTS - 1u) / (LANES * PARTS));
  let end = min(size, (piece % PARTS + 1u) * share);
  let mark = FIRST_MEMBER - g;
  for (var first = piece % PARTS * share; first < end; first += LANES) {
    let is_within = first + local < end;
    let cell = window_cell(window, first + local);
    let location = location_of(level, image, cell);
    if (STEP == CLAIM) {
      if (is_within) {
        let overlap = member_overlap(level, cell, boxes[g], bitcast<f32>(entry.w));
        if (overlap > 0.0) {
          // The bits of numbers that are not negative are in their order.
          atomicMax(&claims[params.locations + location], bitcast<u32>(overlap));
          atomicMax(&claims[location], mark);
        }
      }
      continue;
    }
    var is_own = is_within;
    if (is_own) {
      is_own = atomicLoad(&claims[location]) == mark;
    }
    let place = append_one(list, is_own, local);
    if (STEP == PLACE && is_own) {
      let assigned = select(BACKGROUND, IGNORED, (table[location] & TABLE_IGNORED) != 0u);
      samples[image * params.image_slots + place] = Sample(location, assigned, 0.0, overlap_at(location));
    }
  }
}

@compute @workgroup_size(128)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_index) local: u32) {
  let g = workgroup.x;
  let piece = workgroup.y;
  let image = image_of(g);
  var list = List(0u, 0u);
  if (STEP == PLACE) {
    find_sums(g, piece, image, local);
    list.samples = atomicLoad(&sums[2]);
  }
  if (piece == 0u) {
    take_entries(&list, g, image, local);
    if (STEP == COUNT && local == 0u) {
      atomicStore(&claims[counts_at(g)], list.samples);
    }
  }
  if (!VLR) {
    return;
  }
  list.samples = 0u;
  if (STEP == PLACE) {
    list.samples = atomicLoad(&sums[0]) + atomicLoad(&sums[3]);
  }
  take_members(&list, g, image, piece, local);
  if (STEP == COUNT && local == 0u) {
    atomicStore(&claims[counts_at(g) + 1u + piece], list.samples);
  }
}
