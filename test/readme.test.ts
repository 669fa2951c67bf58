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
    expect(printed).toMatch(/^\d+\.\d+ \[ 2, 2100, 68 \]\n$/);
  } finally {
    rmSync(file);
  }
});
