import { readdirSync } from 'node:fs';
import { parse } from 'node:path';
import { playwright } from '@vitest/browser-playwright';
import { defineConfig } from 'vitest/config';
import { viteJsonSchema } from './scripts/jsonSchema.js';
import { viteWgsl } from './scripts/wgsl.js';
import { browserPath, FLAGS, noBrowser } from './test/browser/chromium.js';
import { firefox } from './test/browser/firefox.js';
import { nodeInBrowser } from './test/browser/node.js';

/** All that the layers with kernels have, and the golden cases: `npm run test:browser`. */
const ALL = [
  'test/browser/golden.browser.ts',
  'test/{autograd,detector,losses,ops,regions}/*.test.ts',
  'test/tensor/{random,tensor}.test.ts',
  'test/train/{optimizer,step}.test.ts',
];
/**
 * Some golden cases and one of each family of kernels: a part of `npm test`, where the other kernels run on an adapter of the same
 * compiler. Convolutions are the page's, whose test sees that its nets learn.
 */
const SOME = [
  'test/browser/golden.browser.ts',
  'test/ops/{groupNorm,resampling}.test.ts',
  'test/losses/ld.test.ts',
  'test/regions/vlr.test.ts',
];
/** They read files or start programs; or rewrite WGSL that is not minified. */
const NOT_HERE = ['test/losses/embedding.test.ts', 'test/regions/goldenHeads.test.ts', 'test/ops/matrices.test.ts'];
const CASES = {
  some: ['assign-ignored-regions', 'imitation-gibox', 'small-bins'],
  all: readdirSync('test/golden')
    .filter((name) => name.endsWith('.safetensors'))
    .map((name) => parse(name).name),
};
const some = process.env.EDGEWISE_BROWSER_TESTS === 'some';

/** A Firefox in place of Chromium: `EDGEWISE_FIREFOX=firefox npm run test:browser`. */
const firefoxPath = process.env.EDGEWISE_FIREFOX;
if (!firefoxPath && !browserPath) throw new Error(`no tests in a browser${noBrowser}`);
const chromium = playwright({ launchOptions: { executablePath: browserPath ?? '', args: FLAGS } });

export default defineConfig({
  plugins: [viteWgsl({ minify: true }), viteJsonSchema(), nodeInBrowser()],
  // Found later, a package makes Vite load the test again; those that are for Node only are never asked for.
  optimizeDeps: { include: ['fast-check', 'gl-matrix'], exclude: ['env-paths', 'sharp', 'webgpu'] },
  test: {
    include: some ? SOME : ALL,
    exclude: NOT_HERE,
    provide: { goldenCases: some ? CASES.some : CASES.all },
    // Against a hang only: no machine is so slow.
    testTimeout: 3_600_000,
    hookTimeout: 3_600_000,
    fileParallelism: false,
    browser: {
      enabled: true,
      headless: true,
      provider: firefoxPath ? firefox(firefoxPath) : chromium,
      instances: [{ browser: firefoxPath ? 'firefox' : 'chromium' }],
      screenshotFailures: false,
    },
  },
});
