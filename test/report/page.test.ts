import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Browser, BrowserContextOptions } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeReport } from '../../src/report/report.js';
import { writeReport } from '../../src/report/write.js';
import { browserPath, launchBrowser, noBrowser } from '../browser/chromium.js';
import { sampleData } from './sample.js';

const IDS = [
  'edges',
  'profiles',
  'runs',
  'study-regions',
  'differences',
  'sweeps',
  'agreement',
  'error-maps',
  'regions',
  'training',
  'precision-recall',
  'calibration',
  'worst',
];

describe.skipIf(!browserPath)(`the page, opened from disk${noBrowser}`, () => {
  let browser: Browser;
  let folder: string;
  let url: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'edgewise-report-'));
    const file = join(folder, 'report.html');
    const { html } = makeReport(sampleData());
    await writeReport(file, html, []);
    url = pathToFileURL(file).href;
    browser = await launchBrowser();
  });
  afterAll(async () => {
    await browser?.close();
    await rm(folder, { recursive: true });
  });

  /** Opens the page; what it asks for and complains of is gathered. */
  async function open(options: BrowserContextOptions = {}) {
    const page = await browser.newPage(options);
    const requests: string[] = [];
    const complaints: string[] = [];
    page.on('request', (request) => requests.push(request.url()));
    page.on('console', (message) => complaints.push(message.text()));
    page.on('pageerror', (error) => complaints.push(error.message));
    await page.goto(url, { waitUntil: 'load' });
    return { page, requests, complaints };
  }

  test('has every figure, named for those who do not see it, and asks for nothing', async () => {
    const { page, requests, complaints } = await open();
    expect(await page.locator('main > section').evaluateAll((found) => found.map(({ id }) => id))).toEqual(IDS);
    const links = await page.locator('nav a').evaluateAll((found) => found.map((link) => link.getAttribute('href')));
    expect(links).toEqual(IDS.map((id) => `#${id}`));
    const drawings = await page.locator('.panel svg[role=img]').evaluateAll((found) =>
      found.map((svg) => ({
        label: svg.getAttribute('aria-label') ?? '',
        shapes: svg.querySelectorAll('path,rect,circle').length,
      })),
    );
    expect(drawings.length).toBeGreaterThan(25);
    for (const { label, shapes } of drawings) {
      expect(label.length).toBeGreaterThan(10);
      expect(shapes).toBeGreaterThan(0);
    }
    expect(await page.locator('figure figcaption').count()).toBe(IDS.length - 2);
    expect(await page.locator('script, link').count()).toBe(0);
    expect(await page.locator('h1').textContent()).toBe('A report <made> for tests');
    expect(complaints).toEqual([]);
    expect(requests.filter((request) => !/^(file|data):/.test(request))).toEqual([]);
    await page.close();
  });

  test('fits a phone: only tables scroll, in boxes of their own', async () => {
    const { page } = await open({ viewport: { width: 360, height: 740 } });
    const [wide, room] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
    expect(wide).toBeLessThanOrEqual(room);
    const beyond = await page
      .locator('main *')
      .evaluateAll((found) =>
        found
          .filter(
            (element) => !element.closest('.scroll, svg') && element.getBoundingClientRect().right > innerWidth + 1,
          )
          .map((element) => element.outerHTML.slice(0, 80)),
      );
    expect(beyond).toEqual([]);
    await page.close();
  });

  test('is light or dark as the reader likes, drawings too', async () => {
    const coloursOf = async (colorScheme: 'light' | 'dark') => {
      const { page } = await open({ colorScheme });
      const found = await page.evaluate(() => {
        const text = document.querySelector('#training svg text');
        return [getComputedStyle(document.body).backgroundColor, text ? getComputedStyle(text).fill : ''];
      });
      await page.close();
      return found.map((colour) => {
        const [r, g, b] = colour.match(/\d+/g)?.map(Number) ?? [];
        return (r + g + b) / 3;
      });
    };
    const [[lightGround, lightText], [darkGround, darkText]] = [await coloursOf('light'), await coloursOf('dark')];
    expect(lightGround - lightText).toBeGreaterThan(100);
    expect(darkText - darkGround).toBeGreaterThan(100);
  });

  test('is reached by the keyboard: the skip link first, then the contents, then the tables', async () => {
    const { page } = await open();
    const focused: string[] = [];
    for (let i = 0; i < IDS.length + 3; i++) {
      await page.keyboard.press('Tab');
      focused.push(
        await page.evaluate(
          () => document.activeElement?.getAttribute('href') ?? document.activeElement?.className ?? '',
        ),
      );
    }
    expect(focused).toEqual(['#main', ...IDS.map((id) => `#${id}`), 'scroll', 'scroll']);
    await page.close();
  });
});
