import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';

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

const PAGES: Record<string, RegExp[]> = {
  'docs/embed.md': [/^\d+ \[ 0, 0, 0 \]$/, /^true$/, /^[\d.]+\n[\d.]+\n[\d.]+$/, /^1 2 3$/, /^1 2 3$/],
  'docs/heads.md': [/^task-aligned$/, /^true \[ [\d., ]+ \]\ntrue$/],
  'docs/train.md': [/^2 false$/],
  'docs/adapters.md': [/^convolutions, .*\ntrue$/],
};

test.each(Object.entries(PAGES))('the programs of %s run and print what they say', (page, prints) => {
  const programs = programsOf(page);
  expect(programs).toHaveLength(prints.length);
  programs.forEach((program, i) => {
    // Inside the package, so that it can import it by name.
    const file = `dist/docs-${i}.mjs`;
    writeFileSync(file, program);
    try {
      const { status, stdout, stderr } = spawnSync(process.execPath, [file], { encoding: 'utf8' });
      if (status === 1 && program.includes("from 'webgpu'")) {
        // Without a driver: Dawn does not know of the adapter that edgewise brings.
        expect(stderr).toContain('Error: Dawn finds no adapter; openDevice() of edgewise says why');
      } else {
        expect({ status, stderr }).toMatchObject({ status: 0 });
        expect(stdout.trim()).toMatch(prints[i]);
      }
    } finally {
      rmSync(file);
    }
  });
});
