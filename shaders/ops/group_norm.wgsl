// output = (input − mean) / deviation × scale + shift; one workgroup for each image, group and level.
struct Params {
  batch: u32,
  channels: u32,
  groups: u32,
  levels: array<vec4u, 8>,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<vec4f>;
/// [levels, batch, groups] (mean, 1/deviation)
@group(0) @binding(2) var<storage, read> statistics: array<vec2f>;
/// [channels]
@group(0) @binding(3) var<storage, read> scale: array<f32>;
@group(0) @binding(4) var<storage, read> shift: array<f32>;
@group(0) @binding(5) var<storage, read_write> output: array<vec4f>;

const GROUP_SIZE = 64u;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_index) local: u32) {
  let entry = params.levels[workgroup.y];
  let area = entry.y * entry.z;
  let depth = params.channels / params.groups;
  let first_channel = workgroup.x % params.groups * depth;
  let start = params.batch * params.channels * entry.x / 4u + workgroup.x * depth * area / 4u;
  let statistic = statistics[workgroup.y * params.batch * params.groups + workgroup.x];
  if (area % 4u == 0u) {
    for (var c = 0u; c < depth; c++) {
      let slope = statistic.y * scale[first_channel + c];
      let offset = shift[first_channel + c] - statistic.x * slope;
      let row = start + c * area / 4u;
      for (var i = local; i < area / 4u; i += GROUP_SIZE) {
        output[row + i] = input[row + i] * slope + offset;
      }
    }
    return;
  }
  // A vec4 holds parts of several channels.
  for (var i = local; i < depth * area / 4u; i += GROUP_SIZE) {
    let channel = first_channel + (4u * i + vec4u(0u, 1u, 2u, 3u)) / area;
    let slope = statistic.y * vec4f(scale[channel.x], scale[channel.y], scale[channel.z], scale[channel.w]);
    let offset = vec4f(shift[channel.x], shift[channel.y], shift[channel.z], shift[channel.w]);
    output[start + i] = (input[start + i] - statistic.x) * slope + offset;
  }
}
