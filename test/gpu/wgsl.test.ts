import { describe, expect, test } from 'vitest';
import { packParameters, readInterface } from '../../src/gpu/wgsl.js';

const SOURCE = `
struct Params {
  count: u32, // a comment: with a colon
  slope: f32,
  shift: i32,
  levels: array<vec4u, 2>,
  tail: f32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> output: array<f32>;
@group(0) @binding(4) var<storage> other: array<f32>;
@compute @workgroup_size(8, 4) fn main() {}
`;

describe('readInterface', () => {
  test('bindings, parameters and workgroup size', () => {
    const { bindings, parameters, workgroup } = readInterface('k', SOURCE);
    expect(bindings).toEqual([
      { binding: 0, name: 'params', type: 'uniform' },
      { binding: 1, name: 'input', type: 'read-only-storage' },
      { binding: 3, name: 'output', type: 'storage' },
      { binding: 4, name: 'other', type: 'read-only-storage' },
    ]);
    expect(workgroup).toEqual({ size: 32, override: null });
    expect(parameters?.fields.map(({ name, offset, components }) => [name, offset, components])).toEqual([
      ['count', 0, 1],
      ['slope', 4, 1],
      ['shift', 8, 1],
      ['levels', 16, 8],
      ['tail', 48, 1],
    ]);
    expect(parameters?.bytes).toBe(64);
  });

  test('a workgroup size that is an override', () => {
    const source = SOURCE.replace('@workgroup_size(8, 4)', '@workgroup_size(SIZE)');
    expect(readInterface('k', `override SIZE: u32 = 64;\n${source}`).workgroup).toEqual({ size: 64, override: 'SIZE' });
  });

  const bad: [string, string, RegExp][] = [
    [
      'a uniform of another name',
      SOURCE.replace('> params:', '> uniforms:'),
      /kernel k: the uniform is called uniforms/,
    ],
    ['a type that is not laid out', SOURCE.replace('slope: f32', 'slope: vec3f'), /params\.slope is vec3f/],
    ['no struct', SOURCE.replace('struct Params', 'struct Other'), /struct Params of params is not in the module/],
    [
      'no workgroup size',
      SOURCE.replace('@workgroup_size(8, 4)', '@workgroup_size(SIZE)'),
      /no @workgroup_size of literals/,
    ],
  ];
  test.each(bad)('%s', (_name, source, message) => {
    expect(() => readInterface('k', source)).toThrow(message);
  });
});

describe('packParameters', () => {
  const layout = readInterface('k', SOURCE).parameters!;
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
