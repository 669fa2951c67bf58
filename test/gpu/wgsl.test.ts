import { describe, expect, test } from 'vitest';
import { wgslOf } from '../../scripts/wgsl.js';
import { joinInterface, packParameters } from '../../src/gpu/wgsl.js';

const SOURCE = `
const LEVELS = 2u;
struct Params {
  count: u32, // a comment: with a colon
  slope: f32,
  shift: i32,
  levels: array<vec4u, LEVELS>,
  tail: f32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(3) var<storage, read_write> output: array<f32>;
@group(0) @binding(1) var<storage, read> input: array<vec4f>;
@group(0) @binding(4) var<storage> other: array<f32>;
fn value() -> f32 { if (params.count > 1u) { return 1.0; } return unknown(2.0); }
@compute @workgroup_size(8, 4) fn main() {}
`;

describe('what a kernel declares', () => {
  test('bindings, parameters and workgroup size', () => {
    const { bindings, parameters, workgroup } = joinInterface('k', wgslOf(SOURCE));
    expect(bindings).toEqual([
      { binding: 0, name: 'params', type: 'uniform' },
      { binding: 1, name: 'input', type: 'read-only-storage' },
      { binding: 3, name: 'output', type: 'storage' },
      { binding: 4, name: 'other', type: 'read-only-storage' },
    ]);
    expect(workgroup).toEqual({ size: 32, override: null });
    expect(parameters?.fields.map(({ name, type, offset, components }) => [name, type, offset, components])).toEqual([
      ['count', 'u32', 0, 1],
      ['slope', 'f32', 4, 1],
      ['shift', 'i32', 8, 1],
      ['levels', 'u32', 16, 8],
      ['tail', 'f32', 48, 1],
    ]);
    expect(parameters?.bytes).toBe(64);
  });

  test('a workgroup size that is an override', () => {
    const source = SOURCE.replace('@workgroup_size(8, 4)', '@workgroup_size(SIZE)');
    const { workgroup } = joinInterface('k', wgslOf(`override SIZE: u32 = 64;\n${source}`));
    expect(workgroup).toEqual({ size: 64, override: 'SIZE' });
  });

  test('of several sources, one of which may come twice', () => {
    const term = wgslOf('@group(0) @binding(5) var<storage, read_write> more: array<f32>;\noverride BINS: u32 = 17u;');
    const joined = joinInterface('k', [...term, ...wgslOf(SOURCE), 'const X = 1u;', ...term, ...wgslOf(SOURCE)]);
    expect(joined.bindings.map(({ name }) => name)).toEqual(['params', 'input', 'output', 'other', 'more']);
    expect(joined.overrides).toEqual({ BINS: 17 });
    expect(joined.parameters).toEqual(joinInterface('k', wgslOf(SOURCE)).parameters);
  });

  const refused: [string, string, RegExp][] = [
    [
      'of another name',
      SOURCE.replace('> params:', '> uniforms:'),
      /write the uniform as params: Params, not uniforms/,
    ],
    ['with a type that is not laid out', SOURCE.replace('slope: f32', 'slope: vec3f'), /params\.slope is vec3f/],
    [
      'with an array of unknown length',
      SOURCE.replace('vec4u, LEVELS', 'vec4u, MANY'),
      /MANY is the length of an array/,
    ],
    ['in another group', SOURCE.replace('@group(0) @binding(1)', '@group(1) @binding(1)'), /input is of group 1/],
    ['without a size of workgroups', SOURCE.replace('(8, 4)', '(SIZE, 4)'), /@workgroup_size of main/],
  ];
  test.each(refused)('a file %s is refused when it is read', (_name, source, message) => {
    expect(() => wgslOf(source)).toThrow(message);
  });

  test('parts that do not go together are refused', () => {
    const join = (...sources: string[]) => joinInterface('k', sources.flatMap(wgslOf));
    expect(() => joinInterface('k', [SOURCE])).toThrow(/kernel k: no part of its source has a workgroup; give/);
    expect(() => join(SOURCE, '@group(0) @binding(1) var<storage, read> twin: array<f32>;')).toThrow(
      /declare input as binding 1 and twin as binding 1/,
    );
    expect(() => join(SOURCE, '@group(0) @binding(6) var<storage, read> input: array<f32>;')).toThrow(
      /declare input as binding 1 and input as binding 6/,
    );
    expect(() => join(SOURCE, 'struct Params { other: u32 }')).toThrow(/two of its parts declare struct Params/);
  });
});

describe('packParameters', () => {
  const layout = joinInterface('k', wgslOf(SOURCE)).parameters!;
  const values = { count: 3, slope: 0.5, shift: -2, levels: [1, 2, 3, 4, 5], tail: 7 };

  test('lays the values out', () => {
    const bytes = packParameters('k', layout, values);
    expect([...new Uint32Array(bytes, 0, 1)]).toEqual([3]);
    expect([...new Float32Array(bytes, 4, 1)]).toEqual([0.5]);
    expect([...new Int32Array(bytes, 8, 1)]).toEqual([-2]);
    expect([...new Uint32Array(bytes, 16, 8)]).toEqual([1, 2, 3, 4, 5, 0, 0, 0]);
    expect([...new Float32Array(bytes, 48, 1)]).toEqual([7]);
  });

  test('names what is missing, unknown or too long', () => {
    const { tail: _, ...short } = values;
    expect(() => packParameters('k', layout, short)).toThrow(/params\.tail is not given/);
    expect(() => packParameters('k', layout, { ...values, more: 1 })).toThrow(/params\.more is not a field/);
    expect(() => packParameters('k', layout, { ...values, levels: new Array(9).fill(0) })).toThrow(
      /levels has 9 values/,
    );
  });
});
