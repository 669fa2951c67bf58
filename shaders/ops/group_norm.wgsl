// Group normalization (Wu and He, 2018): scale[c] · (x − mean) / √(variance + ε) + shift[c], the statistics over a group's channels and
// all locations of an image and level; with RELU max(0, that). One workgroup a group, which it reads twice. What an Element of a map is:
// elements_quads.wgsl and elements_single.wgsl.
struct Params {
  channels: u32,
  groups: u32,
  epsilon: f32,
  level_count: u32,
  /// each level: (first workgroup, first Element, Elements of a map, first row of the statistics)
  levels: array<vec4u, 8>,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<StoredElement>;
@group(0) @binding(2) var<storage, read> scale: array<f32>;
@group(0) @binding(3) var<storage, read> shift: array<f32>;
@group(0) @binding(4) var<storage, read_write> output: array<StoredElement>;
/// [levels · images · groups]: mean, 1/√(variance + ε)
@group(0) @binding(5) var<storage, read_write> statistics: array<vec2f>;

/// Few on software adapters, where barriers are dear.
override LANES: u32 = 64;
override RELU: bool = false;
/// count, mean and sum of squared distances from the mean
var<workgroup> lane_moments: array<vec3f, LANES>;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_index) local: u32) {
  var level = 0u;
  while (level + 1u < params.level_count && workgroup.x >= params.levels[level + 1u].x) {
    level++;
  }
  let entry = params.levels[level];
  let index = workgroup.x - entry.x;
  let members = params.channels / params.groups;
  let size = members * entry.z;
  let start = entry.y + index * size;

  // Distances from a value of the group keep the squares small.
  let origin = Element(input[start + min(local, size - 1u)]);
  var sum = Element();
  var squares = Element();
  var count = 0.0;
  for (var i = local; i < size; i += LANES) {
    let distance = Element(input[start + i]) - origin;
    sum += distance;
    squares += distance * distance;
    count += 1.0;
  }
  lane_moments[local] = moments(count, origin, sum, squares);
  workgroupBarrier();
  for (var half = LANES / 2u; half > 0u; half /= 2u) {
    if (local < half) {
      lane_moments[local] = merge(lane_moments[local], lane_moments[local + half]);
    }
    workgroupBarrier();
  }
  let all = lane_moments[0];
  let inverse = inverseSqrt(all.z / all.x + params.epsilon);
  if (local == 0u) {
    statistics[entry.w + index] = vec2f(all.y, inverse);
  }

  let first_channel = (index % params.groups) * members;
  for (var member = 0u; member < members; member++) {
    let factor = scale[first_channel + member] * inverse;
    let offset = shift[first_channel + member];
    let plane = start + member * entry.z;
    for (var i = local; i < entry.z; i += LANES) {
      let value = (Element(input[plane + i]) - all.y) * factor + offset;
      if (RELU) {
        output[plane + i] = StoredElement(max(value, Element()));
      } else {
        output[plane + i] = StoredElement(value);
      }
    }
  }
}
