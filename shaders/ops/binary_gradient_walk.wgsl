/// The steps of a dimension in what comes in, in the left operand and in the right one, and its extent in w.
struct Params {
  /// elements of the operand
  count: u32,
  /// elements of the output for each of the operand
  repeats: u32,
  /// 0: gradient of the left operand, 1: of the right one
  side: u32,
  /// of the operand's dimensions, outermost first
  kept: array<vec4u, 6>,
  /// of those along which it is repeated
  repeated: array<vec4u, 6>,
}
override KEPT: u32 = 6;
override REPEATED: u32 = 6;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> incoming: array<Stored>;
@group(0) @binding(2) var<storage, read> left_values: array<Left>;
@group(0) @binding(3) var<storage, read> right_values: array<Right>;
@group(0) @binding(4) var<storage, read_write> gradient: array<Gradient>;

fn place_of(element: u32) -> vec3u {
  var rest = element;
  var place = vec3u();
  for (var d = KEPT - 1u; d > 0u; d--) {
    place += rest % params.kept[d].w * params.kept[d].xyz;
    rest /= params.kept[d].w;
  }
  return place + rest * params.kept[0].xyz;
}

fn share(first: vec3u, repeat: u32) -> f32 {
  var rest = repeat;
  var place = first;
  for (var d = REPEATED - 1u; d > 0u; d--) {
    place += rest % params.repeated[d].w * params.repeated[d].xyz;
    rest /= params.repeated[d].w;
  }
  place += rest * params.repeated[0].xyz;
  return f32(incoming[place.x]) * binary_slopes(f32(left_values[place.y]), f32(right_values[place.z]))[params.side];
}
