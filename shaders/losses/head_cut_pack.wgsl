// What the workgroups of the cut pass read all alike, in one buffer: weights of the student, weights of the teacher, the student's
// transposed weights, scales [8] of student and teacher, true boxes.
// Weights lie tile by tile, a tile being twelve output channels: for each input three vec4 of the outputs' weights, then their
// biases. What lies beyond the last output is zero, and so are the biases of the transposed weights.

struct Params {
  /// output channels of both nets' layers, 4 · bins
  outputs: u32,
  level_count: u32,
  /// input channels; 0 where a net has no layer
  student_inputs: u32,
  teacher_inputs: u32,
  /// 1 where the net has scales
  student_scales: u32,
  teacher_scales: u32,
  /// vec4 where these begin
  teacher_weights: u32,
  transposed: u32,
  scales: u32,
  boxes: u32,
  /// vec4 of all
  count: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
/// [outputs, inputs]
@group(0) @binding(1) var<storage, read> weight: array<f32>;
/// [outputs]
@group(0) @binding(2) var<storage, read> bias: array<f32>;
/// [levels]
@group(0) @binding(3) var<storage, read> scales: array<f32>;
@group(0) @binding(4) var<storage, read> teacher_weight: array<f32>;
@group(0) @binding(5) var<storage, read> teacher_bias: array<f32>;
@group(0) @binding(6) var<storage, read> teacher_scales: array<f32>;
/// [G] xyxy pixels
@group(0) @binding(7) var<storage, read> truth: array<vec4f>;
@group(0) @binding(8) var<storage, read_write> constants: array<vec4f>;

#include "../lib/index.wgsl"

fn student_weight(output: u32, input: u32) -> f32 {
  if (output >= params.outputs) {
    return 0.0;
  }
  if (input == params.student_inputs) {
    return bias[output];
  }
  return weight[output * params.student_inputs + input];
}

fn weight_of_teacher(output: u32, input: u32) -> f32 {
  if (output >= params.outputs) {
    return 0.0;
  }
  if (input == params.teacher_inputs) {
    return teacher_bias[output];
  }
  return teacher_weight[output * params.teacher_inputs + input];
}

fn transposed_weight(output: u32, input: u32) -> f32 {
  if (output >= params.student_inputs || input == params.outputs) {
    return 0.0;
  }
  return weight[input * params.student_inputs + output];
}

fn scale(index: u32) -> f32 {
  let level = index % 8u;
  if (level >= params.level_count) {
    return 0.0;
  }
  if (index < 8u) {
    return select(1.0, scales[level], params.student_scales == 1u);
  }
  return select(1.0, teacher_scales[level], params.teacher_scales == 1u);
}

/// First output and input of vec4 `index` of weights with so many inputs.
fn place_of(index: u32, inputs: u32) -> vec2u {
  let tap = index / 3u;
  return vec2u(12u * (tap / (inputs + 1u)) + 4u * (index % 3u), tap % (inputs + 1u));
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(num_workgroups) workgroups: vec3u, @builtin(local_invocation_index) local: u32) {
  let index = linear_index(workgroup, workgroups, local, 64u);
  if (index >= params.count) {
    return;
  }
  if (index >= params.boxes) {
    constants[index] = truth[index - params.boxes];
    return;
  }
  var values: vec4f;
  for (var i = 0u; i < 4u; i++) {
    if (index >= params.scales) {
      values[i] = scale(4u * (index - params.scales) + i);
    } else if (index >= params.transposed) {
      let at = place_of(index - params.transposed, params.outputs);
      values[i] = transposed_weight(at.x + i, at.y);
    } else if (index >= params.teacher_weights) {
      let at = place_of(index - params.teacher_weights, params.teacher_inputs);
      values[i] = weight_of_teacher(at.x + i, at.y);
    } else {
      let at = place_of(index, params.student_inputs);
      values[i] = student_weight(at.x + i, at.y);
    }
  }
  constants[index] = values;
}
