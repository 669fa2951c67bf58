import { execFileSync } from 'node:child_process';
import { build } from 'esbuild';
import { expect, test } from 'vitest';
import { esbuildJsonSchema } from '../../scripts/jsonSchema.js';
import { esbuildWgsl } from '../../scripts/wgsl.js';
import { browserPath, launchBrowser, noBrowser } from '../browser/chromium.js';
import { expectClose } from '../reference/closeTo.js';

/** The example as one script for a browser. */
async function bundled(): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: ['examples/tfjs.js'],
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    alias: { edgewise: './src/index.ts', 'edgewise/tfjs': './src/tfjs/index.ts' },
    // What stands behind a look at `process` falls away, and with it everything of Node.
    define: { process: 'undefined' },
    external: ['node:*', 'webgpu'],
    minify: true,
    plugins: [esbuildWgsl(), esbuildJsonSchema()],
  });
  return outputFiles[0].text;
}

const lossesOf = (lines: readonly string[]) => lines.filter((line) => /^[\d.]+$/.test(line)).map(Number);

/** The first two on SwiftShader in Node: the seeds are fixed. */
const FIRST = [14.836873, 2.688062];

function expectLearned(lines: readonly string[]): void {
  const losses = lossesOf(lines);
  expect(losses, lines.join('\n')).toHaveLength(6);
  expect(losses[5]).toBeLessThan(0.95 * losses[0]);
  // Another adapter rounds otherwise, which each step of Adam enlarges.
  expectClose(losses.slice(0, 2), FIRST, { relative: 1e-4 });
}

// docs.test.ts and headLossOp.test.ts run TensorFlow.js in Node whatever there is.
test.skipIf(browserPath)('the example learns in Node, where there is no browser', () => {
  const printed = execFileSync(process.execPath, ['examples/tfjs.js'], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  expectLearned(printed.split('\n'));
});

test.skipIf(!browserPath)(`the example learns in a browser as in Node${noBrowser}`, async () => {
  const script = await bundled();
  const browser = await launchBrowser();
  try {
    const page = await browser.newPage();
    const lines: string[] = [];
    page.on('console', (message) => lines.push(message.text()));
    page.on('pageerror', (error) => lines.push(String(error)));
    await page.route('http://localhost/**', (route) =>
      route.request().url().endsWith('.js')
        ? route.fulfill({ contentType: 'text/javascript', body: script })
        : route.fulfill({ contentType: 'text/html', body: '<!doctype html><title>edgewise</title>' }),
    );
    await page.goto('http://localhost/');
    // Resolves when its top-level awaits have.
    await page.evaluate("import('/example.js').then(() => null)");
    expectLearned(lines);
  } finally {
    await browser.close();
  }
});
