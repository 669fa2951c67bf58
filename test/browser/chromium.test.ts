import { describe, expect, test } from 'vitest';
import { browserPath, launchBrowser, noBrowser } from './chromium.js';

describe.skipIf(!browserPath)(`a browser${noBrowser}`, () => {
  test('starts and runs a page', async () => {
    const browser = await launchBrowser();
    const page = await browser.newPage();
    expect(await page.evaluate(() => 6 * 7)).toBe(42);
    await browser.close();
  });
});
