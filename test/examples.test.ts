import { readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { runProgram } from './program.js';

// test/tfjs/browser.test.ts runs TensorFlow.js'.
test.each(readdirSync('examples').filter((name) => name !== 'tfjs.js'))('%s runs, and its loss falls', async (name) => {
  const printed = await runProgram(`examples/${name}`);
  const losses = printed.filter((line) => /^[\d.]+/.test(line)).map(Number.parseFloat);
  expect(losses.length).toBe(6);
  expect(losses[5]).toBeLessThan(0.95 * losses[0]);
});
