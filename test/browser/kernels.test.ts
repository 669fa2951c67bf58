import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { browserPath, noBrowser } from './chromium.js';

/** Fewer would mean that files were not found. */
const LEAST = 35;

it.skipIf(!browserPath)(`kernels and golden cases pass on the WebGPU of Chromium${noBrowser}`, async () => {
  const args = ['node_modules/vitest/vitest.mjs', 'run', '--config', 'vitest.browser.config.ts', '--reporter=json'];
  const { VITEST: _, ...inherited } = process.env;
  const run = promisify(execFile)(process.execPath, args, {
    env: { ...inherited, EDGEWISE_BROWSER_TESTS: 'some' },
    maxBuffer: 2 ** 26,
  });
  const { stdout } = await run.catch((error: { stdout: string }) => error);
  const { success, numPassedTests, testResults } = JSON.parse(stdout.slice(stdout.indexOf('{')));
  const failed = testResults.flatMap(({ name, message, assertionResults }: FileResult) => [
    ...(message ? [`${name}: ${message}`] : []),
    ...assertionResults.filter(({ status }) => status === 'failed').map(({ fullName }) => `${name}: ${fullName}`),
  ]);
  expect(failed).toEqual([]);
  expect(success).toBe(true);
  expect(numPassedTests).toBeGreaterThanOrEqual(LEAST);
});

interface FileResult {
  name: string;
  message: string;
  assertionResults: { status: string; fullName: string }[];
}
