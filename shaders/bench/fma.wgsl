// What an adapter computes at most: eight independent chains of vec4 multiply-adds an invocation, in registers.
struct Params {
  /// steps of each chain
  steps: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> result: array<vec4f>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let factor = vec4f(0.9990234375);
  let added = vec4f(f32(id.x) * 1e-6);
  var a = vec4f(0.1);
  var b = vec4f(0.2);
  var c = vec4f(0.3);
  var d = vec4f(0.4);
  var e = vec4f(0.5);
  var f = vec4f(0.6);
  var g = vec4f(0.7);
  var h = vec4f(0.8);
  for (var i = 0u; i < params.steps; i++) {
    a = fma(a, factor, added);
    b = fma(b, factor, added);
    c = fma(c, factor, added);
    d = fma(d, factor, added);
    e = fma(e, factor, added);
    f = fma(f, factor, added);
    g = fma(g, factor, added);
    h = fma(h, factor, added);
  }
  result[id.x] = a + b + c + d + e + f + g + h;
}
