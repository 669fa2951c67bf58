import { execFileSync } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';

test("the README's example runs as it stands", () => {
  const readme = readFileSync('README.md', 'utf8');
  const [, code] = /```js\n(import[\s\S]*?)```/.exec(readme) ?? [];
  expect(code).toBeDefined();
  // Inside the package, so that it can import it by name.
  const file = 'dist/readme.mjs';
  writeFileSync(file, code);
  try {
    const printed = execFileSync(process.execPath, [file], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
    // All logits are zero for both nets: they agree, and the gradient has a float for each of 2 · 2100 · 68 logits.
    expect(printed).toMatch(/\[ 0, 0, 0 \] \d+/);
    expect(Number(printed.split(']')[1])).toBeGreaterThanOrEqual(4 * 2 * 2100 * 68);
  } finally {
    rmSync(file);
  }
});
