import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { checkWgsl } from '../../scripts/checkWgsl.js';

const KERNEL = `@group(0) @binding(0) var<storage, read_write> values: array<f32>;
@compute @workgroup_size(64) fn main() {
  values[0] = 1.0;
}
`;

async function check(files: Record<string, string>) {
  const folder = mkdtempSync(join(tmpdir(), 'edgewise-wgsl-'));
  mkdirSync(join(folder, 'lib'));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  const { modules, faults } = await checkWgsl(folder);
  return { modules, faults: faults.map((fault) => fault.replaceAll(/[^ ]*edgewise-wgsl-[^/]*\//g, '')) };
}

it('names file, line and text of what is not valid, in what is included and in loops too', async () => {
  const loop = 'for (var k = 0u; k < BINS; k++) { // unroll\n    values[k] = vec2f(1.0);\n  }';
  const { modules, faults } = await check({
    'good.wgsl': KERNEL,
    'bad.wgsl': `#include "lib/sum.wgsl"\n${KERNEL}`,
    'lib/sum.wgsl': '// A comment.\nfn sum() -> u32 {\n  return 1.5;\n}\n',
    'loop.wgsl': `override BINS: u32 = 4u;\n${KERNEL.replace('values[0] = 1.0;', loop)}`,
  });
  expect(modules).toBe(1);
  expect(faults).toEqual([
    expect.stringMatching(/^bad\.wgsl: lib\/sum\.wgsl:[23]:\d+: /),
    expect.stringMatching(/^loop\.wgsl: loop\.wgsl:5:\d+: .*values\[k\] = vec2f/),
  ]);
});

it('composes a kernel with each file that defines what it calls', async () => {
  const body = `${KERNEL.replace('1.0', 'loss(1.0)')}`;
  const form = (value: string) => `fn loss(x: f32) -> f32 {\n  return ${value};\n}\n`;
  const files = { 'body.wgsl': body, 'lib/a.wgsl': form('2.0 * x'), 'lib/b.wgsl': form('x') };
  expect(await check(files)).toEqual({ modules: 2, faults: [] });
  expect((await check({ ...files, 'lib/b.wgsl': form('unknown') })).faults).toEqual([
    expect.stringMatching(/^body\.wgsl with lib\/b\.wgsl: lib\/b\.wgsl:2:10: .*unknown/),
  ]);
  expect((await check({ 'body.wgsl': body })).faults).toEqual([expect.stringMatching(/body\.wgsl:3:\d+: .*loss/)]);
});

it('refuses a ninth storage buffer, and a file that no kernel has', async () => {
  const more = Array.from(
    { length: 8 },
    (_, i) => `@group(0) @binding(${i + 1}) var<storage, read> b${i}: array<f32>;\n`,
  );
  expect((await check({ 'many.wgsl': more.join('') + KERNEL })).faults).toEqual([
    'many.wgsl: 9 storage buffers; a device has 8',
  ]);
  expect((await check({ 'good.wgsl': KERNEL, 'lib/lost.wgsl': 'const LOST = 1u;\n' })).faults).toEqual([
    'lib/lost.wgsl: it is part of no kernel',
  ]);
});

// naga accepts a pointer to a part of a variable, and panics when it writes SPIR-V: Firefox ended with all its tabs.
it('refuses what naga cannot translate', async () => {
  const body = KERNEL.replace('values[0] = 1.0;', 'var pair: Pair;\n  grow(&pair.x);\n  values[0] = pair.x;');
  const lib = 'struct Pair {\n  x: f32,\n}\nfn grow(x: ptr<function, f32>) {\n  *x += 1.0;\n}\n';
  expect((await check({ 'part.wgsl': lib + body })).faults).toEqual([
    expect.stringMatching(/^part\.wgsl: .*naga panics/),
  ]);
});
