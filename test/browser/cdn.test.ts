import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { browserPath, launchBrowser, noBrowser } from './chromium.js';

const CDN = 'https://cdn.jsdelivr.net/npm/edgewise@0.1/';

/** The network gives the page of docs/install.md, and for the addresses of a CDN the package's files. */
it.skipIf(!browserPath)(`the page that the docs load from a CDN runs${noBrowser}`, async () => {
  const html = /```html\n([\s\S]*?)```/.exec(await readFile('docs/install.md', 'utf8'))![1];
  expect(html).toContain(`${CDN}dist/browser/index.js`);
  const browser = await launchBrowser();
  try {
    const page = await browser.newPage();
    await page.route('http://localhost/', (route) => route.fulfill({ contentType: 'text/html', body: html }));
    await page.route(`${CDN}**`, async (route) => {
      const body = await readFile(route.request().url().slice(CDN.length));
      await route.fulfill({ contentType: 'text/javascript', headers: { 'access-control-allow-origin': '*' }, body });
    });
    const line = page.waitForEvent('console', (message) => message.type() === 'log');
    const error = page.waitForEvent('pageerror').then((thrown) => Promise.reject(thrown));
    await page.goto('http://localhost/');
    expect((await Promise.race([line, error])).text()).toMatch(/^loss \d+\.\d+ on \S/);
  } finally {
    await browser.close();
  }
});
