import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { expect, it } from 'vitest';
import { browserPath, launchBrowser, noBrowser } from './chromium.js';

/** Its own page and script: what the test evaluates in a page is free of the page's policy. */
const FILES: Record<string, string> = {
  'index.html': '<!doctype html><title>edgewise</title><script type="module" src="/page.js"></script>',
  'page.js': `
    import { HeadLoss, openDevice } from '/edgewise/index.js';
    import { trainStep } from '/edgewise/web.js';

    const device = await openDevice();
    const options = { classes: 2, bins: 8, strides: [8], imageSize: { width: 64, height: 64 }, batch: 1 };
    const attempt = (make) => {
      try {
        return make();
      } catch ({ name, message }) {
        return { name, message };
      }
    };
    console.log(JSON.stringify([
      attempt(() => new Function('return 1')()).name,
      typeof trainStep,
      new HeadLoss(device, { ...options, recipe: { name: 'mine', ld: { main: 0.5 } } }).recipe.ld.main,
      attempt(() => new HeadLoss(device, { ...options, recipe: { name: 'mine', ld: { temperature: 0 } } })),
    ]));
  `,
};

it.skipIf(!browserPath)(`works on a page that forbids eval${noBrowser}`, async () => {
  const browser = await launchBrowser();
  try {
    const page = await browser.newPage();
    await page.route('http://localhost/**', async (route) => {
      const { pathname } = new URL(route.request().url());
      const file = basename(pathname) || 'index.html';
      await route.fulfill({
        contentType: file.endsWith('.js') ? 'text/javascript' : 'text/html',
        headers: { 'Content-Security-Policy': "script-src 'self'" },
        body: pathname.startsWith('/edgewise/') ? await readFile(`dist/browser/${file}`) : FILES[file],
      });
    });
    const said = Promise.race([
      page.waitForEvent('console').then((message) => message.text()),
      page.waitForEvent('pageerror').then(String),
    ]);
    await page.goto('http://localhost/');
    const fault = { name: 'InputError', message: 'recipe mine: ld.temperature is 0; it must be > 0.' };
    expect(await said).toBe(JSON.stringify(['EvalError', 'function', 0.5, fault]));
  } finally {
    await browser.close();
  }
});
