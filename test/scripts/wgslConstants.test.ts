import { readFileSync } from 'node:fs';
import { build } from 'esbuild';
import { expect, it } from 'vitest';
import { esbuildWgsl } from '../../scripts/wgsl.js';
import { constantsOf, wgslTypes } from '../../scripts/wgslConstants.js';
import { constants } from '../../shaders/lib/bins.wgsl';

it('reads literals and what is made of them', () => {
  const source = `const A = 7u;
const B: u32 = 0xffffffffu; // a comment
const C = 1e-7;
const D = A * (2u + 1u) << 1u;
const E = 0.5f;
  const INNER = 3u;
const VECTOR = vec4f(1.0);
const HALF = A / 2u;
const LATER = SIZE + 1u;
override SIZE: u32 = 4u;`;
  expect(constantsOf(source)).toEqual({ A: 7, B: 4_294_967_295, C: 1e-7, D: 42, E: 0.5 });
});

it('they come with the module, in tests and in bundles', async () => {
  expect(constants).toEqual({ MAX_BINS: 64 });
  const { outputFiles } = await build({
    stdin: {
      contents: "export { constants } from './shaders/lib/bins.wgsl';",
      resolveDir: '.',
    },
    bundle: true,
    write: false,
    format: 'esm',
    minify: true,
    plugins: [esbuildWgsl({ minify: true })],
  });
  const { text } = outputFiles[0];
  expect(await import(`data:text/javascript,${encodeURIComponent(text)}`)).toMatchObject({ constants });
  // Without the WGSL, which is not asked for.
  expect(text).not.toContain('fn ');
});

it('src/wgsl.d.ts is up to date (npm run build)', () => {
  expect(readFileSync('src/wgsl.d.ts', 'utf8')).toBe(wgslTypes());
});
