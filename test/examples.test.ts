import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { expect, test } from 'vitest';

// test/tfjs/browser.test.ts runs TensorFlow.js'.
test.each(readdirSync('examples').filter((name) => name !== 'tfjs.js'))('%s runs, and its loss falls', (name) => {
  const printed = execFileSync(process.execPath, [`examples/${name}`], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const losses = printed
    .split('\n')
    .filter((line) => /^[\d.]+/.test(line))
    .map(Number.parseFloat);
  expect(losses.length).toBe(6);
  expect(losses[5]).toBeLessThan(0.95 * losses[0]);
});
