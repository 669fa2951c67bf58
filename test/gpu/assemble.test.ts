import { describe, expect, test } from 'vitest';
import { wgslOf } from '../../scripts/wgsl.js';
import { codeOf } from '../../scripts/wgslLoops.js';
import { minifyWgsl } from '../../scripts/wgslMinify.js';
import { assemble, located } from '../../src/gpu/assemble.js';
import { joinInterface } from '../../src/gpu/wgsl.js';

const SOURCE = `override BINS: u32 = 3u;
fn f() {
  for (var k = 1u; k < BINS; k++) { // unroll
    if (k > 1u) { z[k] = 0.0; } // a brace in a comment: }
  }
}`;
const unrolled = (source: string, constants: Record<string, number> = {}) =>
  assemble('kernel', [{ code: codeOf(source, {}) }], true, constants, { BINS: 3 });
const turns = (code: string) => [...code.matchAll(/const k = (\d+)u;/g)].map(([, k]) => Number(k));

describe('loops', () => {
  test('once for each value of the counter, braces within and all', () => {
    expect(turns(unrolled(SOURCE, { BINS: 4 }))).toEqual([1, 2, 3]);
    expect(unrolled(SOURCE, { BINS: 2 })).toBe(`override BINS: u32 = 3u;
fn f() {
  {
{ const k = 1u;
    if (k > 1u) { z[k] = 0.0; } // a brace in a comment: }
  }
}
}`);
  });

  test('a constant that is not given has its default', () => {
    expect(turns(unrolled(SOURCE))).toEqual([1, 2]);
  });

  test('a literal bound, and a loop within a loop', () => {
    const source = SOURCE.replace('BINS; k++', '3u; k++').replace(
      'if (k > 1u) { z[k] = 0.0; }',
      'for (var j = 0u; j < 2u; j++) { // unroll\n z[j] = k; }',
    );
    const code = unrolled(source);
    expect(turns(code)).toEqual([1, 2]);
    expect(code.match(/const j = 1u;/g)).toHaveLength(2);
  });

  test('long loops, those of a device that unrolls by itself, and unmarked ones stay', () => {
    const plain = SOURCE.replace(' // unroll', '');
    expect(unrolled(SOURCE, { BINS: 65 })).toBe(plain);
    expect(assemble('kernel', [{ code: codeOf(SOURCE, {}) }], false, {}, { BINS: 3 })).toBe(plain);
    expect(codeOf(plain, {})).toBe(plain);
  });

  test('what they cannot be is refused', () => {
    const other = SOURCE.replace('k < BINS', 'k < COUNT');
    expect(() => unrolled(other)).toThrow(/kernel kernel: a loop .* COUNT/);
    expect(() => codeOf(SOURCE.replace('k++', 'k += 2u'), {})).toThrow(/written otherwise:.*k \+= 2u/);
    expect(() => codeOf(SOURCE.slice(0, -4), {})).toThrow(/does not end between two includes/);
  });
});

test('a constant that types depend on is written out', () => {
  const parts = [
    ...wgslOf('override M: u32 = 16u; // const\noverride SIZE: u32 = 8u;\nalias Row = array<f32, M>;'),
    'fn f() {}',
  ];
  expect(assemble('kernel', parts, true, { M: 8, SIZE: 4 }, { M: 16 })).toBe(
    'const M = 8u; // const\noverride SIZE: u32 = 8u;\nalias Row = array<f32, M>;\nfn f() {}',
  );
  expect(assemble('kernel', parts, true, {}, { M: 16 })).toContain('const M = 16u;');
  const { fixed } = joinInterface('kernel', [...parts, { code: '', workgroup: 1 }]);
  expect(fixed).toEqual(new Set(['M']));
});

test('directives come first', () => {
  const parts = ['enable f16;\nalias A = f16;', 'enable subgroups;\nfn f() {}'];
  expect(assemble('kernel', parts, true, {}, {})).toBe('enable f16; enable subgroups;\n\nalias A = f16;\n\nfn f() {}');
});

test('a part that comes twice counts once', () => {
  expect(assemble('kernel', ['a', { code: 'b' }, 'a', 'b', 'c'], true, {}, {})).toBe('a\nb\nc');
});

describe('an error has file and line of the source', () => {
  const parts = (minify?: (text: string) => string) => {
    const from = (file: string, line: number) => (minify ? { minify } : { from: { file, line } });
    return [
      { code: codeOf('const A = 1u;\n', from('shaders/a.wgsl', 1)) },
      { code: codeOf(`\n${SOURCE}\n\nfn g() {\n  bad();\n}\n`, from('shaders/b.wgsl', 7)) },
    ];
  };
  /** Where each line with this text is said to be. */
  const places = (code: string, text: string) =>
    code
      .split('\n')
      .flatMap((line, i) => (line.includes(text) ? [located(code, { lineNum: i + 1, linePos: 3, message: 'M' })] : []));

  test('before, in and after loops that are written out', () => {
    const code = assemble('kernel', parts(), true, { BINS: 4 }, {});
    expect(places(code, 'const A')).toEqual(['shaders/a.wgsl:1:3: M: const A = 1u;']);
    expect(places(code, 'fn f')).toEqual(['shaders/b.wgsl:9:3: M: fn f() {']);
    const inLoop = 'shaders/b.wgsl:11:3: M: if (k > 1u) { z[k] = 0.0; } // a brace in a comment: }';
    expect(places(code, 'z[k]')).toEqual([inLoop, inLoop, inLoop]);
    expect(places(code, 'bad()')).toEqual(['shaders/b.wgsl:16:3: M: bad();']);
  });

  test('or at least the text of the line, where code is minified', () => {
    const code = assemble('kernel', parts(minifyWgsl), true, {}, { BINS: 3 });
    expect(places(code, 'bad()')).toEqual(['M: bad();']);
  });
});
