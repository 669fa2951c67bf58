// Gradient with respect to the input (Wu and He, 2018): with s the scale, n the normalised input and m the group's size,
//   (s incoming − Σ s incoming / m − n Σ s incoming n / m) / deviation.
// One workgroup for each image, group and level.
struct Params {
  batch: u32,
  channels: u32,
  groups: u32,
  levels: array<vec4u, 8>,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<vec4f>;
@group(0) @binding(2) var<storage, read> incoming: array<vec4f>;
/// [levels, batch, groups] (mean, 1/deviation)
@group(0) @binding(3) var<storage, read> statistics: array<vec2f>;
/// [levels, batch, channels] (Σ incoming, Σ incoming × normalised)
@group(0) @binding(4) var<storage, read> sums: array<vec2f>;
/// [channels]
@group(0) @binding(5) var<storage, read> scale: array<f32>;
@group(0) @binding(6) var<storage, read_write> gradient: array<vec4f>;

const GROUP_SIZE = 64u;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_index) local: u32) {
  let entry = params.levels[workgroup.y];
  let area = entry.y * entry.z;
  let depth = params.channels / params.groups;
  let first_channel = workgroup.x % params.groups * depth;
  let start = params.batch * params.channels * entry.x / 4u + workgroup.x * depth * area / 4u;
  let statistic = statistics[workgroup.y * params.batch * params.groups + workgroup.x];
  var group = vec2f();
  for (var c = 0u; c < depth; c++) {
    group += scale[first_channel + c] * sums[workgroup.y * params.batch * params.channels + workgroup.x * depth + c];
  }
  group /= f32(depth * area);
  // gradient = incoming × slope − input × pull − offset
  let pull = statistic.y * statistic.y * group.y;
  let offset = statistic.y * group.x - statistic.x * pull;
  if (area % 4u == 0u) {
    for (var c = 0u; c < depth; c++) {
      let slope = statistic.y * scale[first_channel + c];
      let row = start + c * area / 4u;
      for (var i = local; i < area / 4u; i += GROUP_SIZE) {
        gradient[row + i] = incoming[row + i] * slope - input[row + i] * pull - offset;
      }
    }
    return;
  }
  for (var i = local; i < depth * area / 4u; i += GROUP_SIZE) {
    let channel = first_channel + (4u * i + vec4u(0u, 1u, 2u, 3u)) / area;
    let slope = statistic.y * vec4f(scale[channel.x], scale[channel.y], scale[channel.z], scale[channel.w]);
    gradient[start + i] = incoming[start + i] * slope - input[start + i] * pull - offset;
  }
}
