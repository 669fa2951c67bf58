import { describe, expect, test } from 'vitest';
import { unroll } from '../../src/gpu/unroll.js';

const SOURCE = `override BINS: u32 = 3u;
fn f() {
  for (var k = 1u; k < BINS; k++) { // unroll
    if (k > 1u) { z[k] = 0.0; }
  }
}`;
const turns = (code: string) => [...code.matchAll(/const k = (\d+)u;/g)].map(([, k]) => Number(k));

describe('unroll', () => {
  test('once for each value of the counter, braces within and all', () => {
    expect(turns(unroll('kernel', SOURCE, { BINS: 4 }))).toEqual([1, 2, 3]);
    expect(unroll('kernel', SOURCE, { BINS: 2 })).toBe(`override BINS: u32 = 3u;
fn f() {
  {
{ const k = 1u;
    if (k > 1u) { z[k] = 0.0; }
  }
}
}`);
  });

  test('a constant that is not given has the default of the source', () => {
    expect(turns(unroll('kernel', SOURCE, {}))).toEqual([1, 2]);
  });

  test('a literal bound, and a loop within a loop', () => {
    const source = SOURCE.replace('BINS; k++', '3u; k++').replace(
      'if (k > 1u) { z[k] = 0.0; }',
      'for (var j = 0u; j < 2u; j++) { // unroll\n z[j] = k; }',
    );
    const code = unroll('kernel', source, {});
    expect(turns(code)).toEqual([1, 2]);
    expect(code.match(/const j = 1u;/g)).toHaveLength(2);
  });

  test('long loops and unmarked ones stay', () => {
    expect(unroll('kernel', SOURCE, { BINS: 65 })).toBe(SOURCE.replace(' // unroll', ''));
    const unmarked = SOURCE.replace(' // unroll', '');
    expect(unroll('kernel', unmarked, { BINS: 4 })).toBe(unmarked);
  });

  test('a bound that is neither is refused', () => {
    expect(() => unroll('kernel', SOURCE.replace('k < BINS', 'k < COUNT'), {})).toThrow(
      /kernel kernel: a loop .* COUNT/,
    );
  });
});
