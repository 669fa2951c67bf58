import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { parse } from 'node:path';
import { expect, test } from 'vitest';
import { runProgram } from './program.js';

/** The programs of a page: a block that imports begins one, the blocks after it go on with it. */
function programsOf(page: string): string[] {
  const blocks = Array.from(readFileSync(page, 'utf8').matchAll(/```js\n([\s\S]*?)```/g), ([, code]) => code);
  const programs: string[] = [];
  for (const block of blocks) {
    if (block.startsWith('import')) programs.push(block);
    else programs[programs.length - 1] += block;
  }
  return programs;
}

/** What the programs of each page print; some are run as a stranger would, in a process of their own. */
const PAGES: Record<string, { prints: RegExp; alone?: true }[]> = {
  'docs/embed.md': [
    { prints: /^\d+ \[ 0, 0, 0 \]$/ },
    { prints: /^true$/ },
    // TensorFlow.js, a GPUDevice of Dawn's own, a worker thread.
    { prints: /^[\d.]+\n[\d.]+\n[\d.]+$/, alone: true },
    { prints: /^1 2 3$/, alone: true },
    { prints: /^1 2 3$/, alone: true },
  ],
  'docs/heads.md': [
    { prints: /^task-aligned$/ },
    { prints: /^true \[ [\d., ]+ \]\ntrue$/ },
    { prints: /^11 true$/ },
    { prints: /^8 true\n\[ 8, 33 \]$/ },
  ],
  'docs/train.md': [{ prints: /^2 false$/ }],
  // A device that is opened twice.
  'docs/adapters.md': [{ prints: /^convolutions, .*\ntrue$/, alone: true }],
};

test.each(Object.entries(PAGES))('the programs of %s run and print what they say', async (page, expected) => {
  const programs = programsOf(page);
  expect(programs).toHaveLength(expected.length);
  for (const [i, { prints, alone }] of expected.entries()) {
    // Inside the package, so that it can import it by name.
    const file = `dist/docs-${parse(page).name}-${i}.mjs`;
    writeFileSync(file, programs[i]);
    try {
      if (alone) expectPrinted(programs[i], file, prints);
      else expect((await runProgram(file)).join('\n')).toMatch(prints);
    } finally {
      rmSync(file);
    }
  }
});

function expectPrinted(program: string, file: string, prints: RegExp): void {
  const { status, stdout, stderr } = spawnSync(process.execPath, [file], { encoding: 'utf8' });
  if (status === 1 && program.includes("from 'webgpu'")) {
    // Without a driver: Dawn does not know of the adapter that edgewise brings.
    expect(stderr).toContain('Error: Dawn finds no adapter; openDevice() of edgewise says why');
  } else {
    expect({ status, stderr }).toMatchObject({ status: 0 });
    expect(stdout.trim()).toMatch(prints);
  }
}
