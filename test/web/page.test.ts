import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onnx } from 'onnx-proto';
import type { Browser, Page } from 'playwright-core';
import sharp, { type OverlayOptions } from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { replaceClasses } from '../../src/onnx/graph/replaceClasses.js';
import { GraphStudent } from '../../src/onnx/graph/student.js';
import type { MappedModel } from '../../src/onnx/mapping.js';
import { browserPath, launchBrowser, noBrowser } from '../browser/chromium.js';
import { sharedDevice } from '../device.js';
import { gfocalStudent, picodetStudent, SIDE } from '../onnx/graph/studentModels.js';

/** Steps after which the loss must have fallen. */
const STEPS = 12;
/** Asked often, and with every frame, a page takes a core by itself. */
const PATIENT = { timeout: 3_600_000, interval: 250, polling: 250 };
/** A bar that moves while kernels are compiled would be drawn by the same cores. */
const STILL = { reducedMotion: 'reduce' } as const;

declare global {
  interface Window {
    /** The test's, exposed to the page. */
    note(text: string): void;
  }
}

let folder: string;
let server: ChildProcess;
let url: string;
let browser: Browser;

beforeAll(async () => {
  if (!browserPath) return;
  folder = mkdtempSync(join(tmpdir(), 'edgewise-page-'));
  server = spawn(process.execPath, ['scripts/web.js', folder, '--port', '0'], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = await once(server.stdout!, 'data');
  url = /http:\S+/.exec(String(line))![0];
  browser = await launchBrowser();
});

afterAll(async () => {
  if (!browserPath) return;
  await browser.close();
  server.kill();
  if (!process.env.EDGEWISE_SCREENSHOTS) rmSync(folder, { recursive: true, force: true });
});

/** Where the screenshots go: EDGEWISE_SCREENSHOTS keeps them. */
const picture = (name: string) => join(process.env.EDGEWISE_SCREENSHOTS ?? folder, `${name}.png`);

const until = (page: Page, isSo: () => boolean | undefined) => page.waitForFunction(isSo, null, PATIENT);

const stepsDone = (page: Page, least: number) =>
  page.waitForFunction((steps) => Number(document.body.dataset.step) >= steps, least, PATIENT);

/** The loss of a net as the chart says it to those who do not see it. */
async function lossOf(page: Page, net: string): Promise<number> {
  const label = await page.getAttribute('#losses', 'aria-label');
  return Number(new RegExp(`${net} ([\\d.]+)`).exec(label ?? '')?.[1]);
}

describe.skipIf(!browserPath)(`the page in Chromium${noBrowser}`, () => {
  let page: Page;
  const faults: string[] = [];
  /** What the page has said of its pace. */
  const paces: string[] = [];
  const strangers: string[] = [];

  beforeAll(async () => {
    page = await browser.newPage({ ...STILL, viewport: { width: 1440, height: 960 }, colorScheme: 'light' });
    page.setDefaultTimeout(PATIENT.timeout);
    page.on('console', (message) => {
      if (message.type() === 'error') faults.push(message.text());
    });
    page.on('pageerror', (error) => faults.push(error.message));
    page.on('request', (request) => {
      const isOwn = [url, `blob:${url}`, 'data:'].some((start) => request.url().startsWith(start));
      if (!isOwn) strangers.push(request.url());
    });
    await page.exposeFunction('note', (text: string) => paces.push(text));
    await page.addInitScript(() => {
      const note = () => window.note(document.querySelector('#pace')?.textContent ?? '');
      new MutationObserver(note).observe(document, { subtree: true, childList: true });
    });
    await page.goto(url);
  });

  afterAll(() => page.close());

  it('trains: the losses of both students are finite and fall', async () => {
    await stepsDone(page, 1);
    expect(paces).toContainEqual(expect.stringMatching(/^compiling kernels \(\d+ of \d\d+\)$/));
    await until(page, () => document.querySelector('#losses')?.getAttribute('aria-label')?.includes('with LD'));
    const before = [await lossOf(page, 'with LD'), await lossOf(page, 'without LD')];
    await stepsDone(page, STEPS);
    const after = [await lossOf(page, 'with LD'), await lossOf(page, 'without LD')];
    for (const i of [0, 1]) {
      expect(before[i]).toBeGreaterThan(0);
      expect(after[i]).toBeGreaterThan(0);
      expect(after[i]).toBeLessThan(before[i]);
    }
    // What is looked at next needs no training, which would take all cores.
    await page.click('#pause');
  });

  it('shows the edges of the object under the pointer', async () => {
    const caption = page.locator('#reading caption');
    const seen = new Set<string | null>();
    const { x, y, width } = (await page.locator('#canvas').boundingBox())!;
    for (const across of [0.15, 0.3, 0.45, 0.6, 0.75]) {
      for (const down of [0.3, 0.5, 0.7, 0.9]) {
        await page.mouse.move(x + across * width, y + down * width);
        await page.evaluate(() => new Promise(requestAnimationFrame));
        seen.add(await caption.textContent());
      }
    }
    expect(seen.size).toBeGreaterThan(1);
    expect(await page.locator('#reading tbody td').allTextContents()).toHaveLength(12);
    for (const text of await page.locator('#reading tbody td').allTextContents()) {
      expect(text).toMatch(/^[+−]\d+\.\d ± \d+\.\d$/);
    }
  });

  it('selects objects by the keyboard', async () => {
    const caption = page.locator('#reading caption');
    const before = await caption.textContent();
    await page.locator('#canvas').focus();
    await page.keyboard.press('ArrowRight');
    await expect.poll(() => caption.textContent(), PATIENT).not.toBe(before);
  });

  it('draws the regions, all levels or one', async () => {
    const drawn = () => page.evaluate(() => document.querySelector<HTMLCanvasElement>('#canvas')!.toDataURL());
    const frames = new Set<string>();
    await settled(page);
    frames.add(await drawn());
    await page.check('input[name=valuable]');
    await settled(page);
    frames.add(await drawn());
    await page.check('input[name=main]');
    await settled(page);
    frames.add(await drawn());
    await page.selectOption('select[name=level]', { label: 'stride 16' });
    await settled(page);
    frames.add(await drawn());
    expect(frames.size).toBe(4);
    await page.selectOption('select[name=level]', '');
    await page.evaluate(() => scrollTo(0, 0));
    await page.screenshot({ path: picture('desktop-light') });
  });

  it('gives the sliders to the running training', async () => {
    const lesson = async () =>
      Number(/LD ([\d.]+)/.exec((await page.getAttribute('#lessons', 'aria-label')) ?? '')?.[1] ?? 'NaN');
    const before = await lesson();
    await page.click('#pause');
    await page.fill('#weight', '0');
    await page.fill('#temperature', '4');
    await page.fill('#gamma', '0.5');
    const now = Number(await page.evaluate(() => document.body.dataset.step));
    await stepsDone(page, now + 6);
    // Without a weight LD adds nothing, and its running mean falls towards 0.
    expect(await lesson()).toBeLessThan(0.75 * before);
  });

  it('measures: the shipped teacher is good, and the students are compared with it', async () => {
    const tile = (name: string) => page.locator(`.tile[data-net=${name}]`);
    await expect
      .poll(async () => Number(await tile('teacher').locator('.big').textContent()), PATIENT)
      .toBeGreaterThan(50);
    for (const name of ['with', 'without']) {
      await expect
        .poll(() => tile(name).locator('.small').textContent(), PATIENT)
        .toMatch(/\d strides off the teacher/);
    }
  });

  it('pauses', async () => {
    await page.click('#pause');
    // The image changes all the same, after whatever step was under way.
    await page.click('#next');
    await until(page, () => document.querySelector('#position')?.textContent?.startsWith('image 2'));
    const step = await page.evaluate(() => document.body.dataset.step);
    await page.waitForTimeout(1500);
    expect(await page.evaluate(() => document.body.dataset.step)).toBe(step);
  });

  it('fits a phone, in the dark too', async () => {
    await page.emulateMedia({ colorScheme: 'dark' });
    await settled(page);
    await page.evaluate(() => scrollTo(0, 0));
    await page.screenshot({ path: picture('desktop-dark') });
    for (const width of [360, 820]) {
      await page.setViewportSize({ width, height: 800 });
      await settled(page);
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(width);
      await page.screenshot({ path: picture(`${width}-dark`), fullPage: true });
    }
  });

  it('learns from dropped images with COCO annotations, the teacher along with the students', async () => {
    await page.setInputFiles('#files', await droppedFiles());
    await until(page, () => document.querySelector('#facts')?.textContent?.includes('learning'));
    await until(page, () => document.body.dataset.step === '0');
    await stepsDone(page, 2);
    expect(await lossOf(page, 'teacher')).toBeGreaterThan(0);
    expect(await page.locator('#facts').textContent()).toContain('6 to learn from, AP on the same');
    await page.click('#pause');
    await expect.poll(() => page.locator('#reading caption').textContent(), PATIENT).toMatch(/bright|dark/);
  });

  it('trains a dropped ONNX model, and gives the same file back with what it has learned', async () => {
    const { model, mapping } = gfocalStudent();
    await drop(page, { 'small.onnx': model });
    await expect.poll(() => page.locator('#todo').textContent(), PATIENT).toMatch(/mapping.*of small\.onnx/);
    await drop(page, { 'small.json': Buffer.from(JSON.stringify(mapping)) });
    const fault = page.locator('#fault .message');
    await expect.poll(() => fault.textContent(), PATIENT).toMatch(/^small\.onnx: .* no class for bright, dark/);
    // Its anchors are not too large for 32 pixels.
    await page.selectOption('#head', 'picodet');
    expect(await page.inputValue('#weight')).toBe('0.5');
    await page.check('#newClasses');
    await until(page, () => document.querySelector('#facts')?.textContent?.includes('parameters, small.onnx'));
    const teacher = picodetStudent();
    const taught = { ...teacher.mapping, classes: ['dark', 'cow', 'bright'], centreOffset: 0 };
    await page.setInputFiles('#teacherFiles', [
      { name: 'large.onnx', mimeType: '', buffer: Buffer.from(teacher.model) },
      { name: 'large.json', mimeType: '', buffer: Buffer.from(JSON.stringify(taught)) },
    ]);
    await until(page, () => document.querySelector('#facts')?.textContent?.includes('parameters each, small.onnx'));
    expect(await page.locator('#facts').textContent()).toContain('centre offset 0 → 0.5, re-binned');
    await stepsDone(page, 2);
    for (const net of ['with LD', 'without LD']) expect(await lossOf(page, net)).toBeGreaterThan(0);
    expect(await page.getAttribute('#lessons', 'aria-label')).not.toContain('LD 0.00');
    expect(await page.locator('#fault').isVisible()).toBe(false);

    const download = page.waitForEvent('download');
    await page.click('#saveWith');
    const saved = await download;
    expect(saved.suggestedFilename()).toBe('small-with-ld.onnx');
    const link = page.locator('#saved a');
    expect(await link.textContent()).toBe('small-with-ld.mapping.json');
    const text = await link.evaluate(async (a: HTMLAnchorElement) => (await fetch(a.href)).text());
    await page.click('#pause');
    await page.setViewportSize({ width: 360, height: 800 });
    await settled(page);
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
    await page.screenshot({ path: picture('own-model'), fullPage: true });

    const options = { classes: ['bright', 'dark'], width: SIDE, height: SIDE };
    const begun = await replaceClasses({ model, mapping, ...options, seed: 1 });
    const learned = { model: readFileSync(await saved.path()), mapping: JSON.parse(text) };
    expect(learned.mapping).toEqual(begun.mapping);
    const [before, after] = [await valuesOf(begun, options), await valuesOf(learned, options)];
    expect(after.names).toEqual(before.names);
    expect(after.values.every(Number.isFinite)).toBe(true);
    expect(after.values).not.toEqual(before.values);
    expect(withoutWeights(learned.model, before.names)).toEqual(withoutWeights(begun.model, before.names));
  });

  it('says what is wrong with dropped files', async () => {
    await page.setInputFiles('#files', [
      { name: 'notes.json', mimeType: 'application/json', buffer: Buffer.from('{"images":') },
    ]);
    await expect.poll(() => page.locator('#fault .message').textContent(), PATIENT).toMatch(/notes\.json is not JSON/);
    expect(await page.locator('main').isVisible()).toBe(true);
  });

  it('says nothing wrong and asks nobody else', () => {
    expect(faults).toEqual([]);
    expect(strangers).toEqual([]);
  });
});

it.skipIf(!browserPath)(`says what to do where WebGPU is missing${noBrowser}`, async () => {
  const page = await browser.newPage({ ...STILL, viewport: { width: 360, height: 800 } });
  try {
    await page.addInitScript('delete Navigator.prototype.gpu; delete globalThis.Worker');
    await page.goto(url);
    await page.locator('#fault').waitFor();
    expect(await page.locator('#fault h2').textContent()).toBe('No WebGPU here');
    for (const name of ['Chrome', 'Safari', 'Firefox']) {
      expect(await page.locator('#fault').textContent()).toContain(name);
    }
    expect(await page.locator('main').isVisible()).toBe(false);
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
    await page.screenshot({ path: picture('no-webgpu'), fullPage: true });
  } finally {
    await page.close();
  }
});

it.skipIf(!browserPath)(`begins in the page itself where workers cannot be started${noBrowser}`, async () => {
  const page = await browser.newPage(STILL);
  try {
    await page.addInitScript('delete globalThis.Worker');
    await page.goto(url);
    // From the session, which has opened a device, loaded the teacher and recorded a step: the rest is as in a worker.
    await until(page, () => /[1-9]\d* of \d\d/.test(document.querySelector('#pace')?.textContent ?? ''));
    expect(page.workers()).toHaveLength(0);
    expect(await page.locator('#fault').isVisible()).toBe(false);
  } finally {
    await page.close();
  }
});

/** Drops files anywhere on the page. */
async function drop(page: Page, files: Record<string, Uint8Array>): Promise<void> {
  const given = Object.entries(files).map(([name, bytes]) => ({ name, bytes: [...bytes] }));
  const dataTransfer = await page.evaluateHandle((all) => {
    const transfer = new DataTransfer();
    for (const { name, bytes } of all) transfer.items.add(new File([Uint8Array.from(bytes)], name));
    return transfer;
  }, given);
  await page.dispatchEvent('#canvas', 'drop', { dataTransfer });
}

/** A model's parameters as `GraphStudent` reads them. */
async function valuesOf(mapped: MappedModel, options: { classes: string[]; width: number; height: number }) {
  const student = await GraphStudent.open(await sharedDevice(), { ...mapped, ...options });
  const { names, values } = student.parameters;
  const read = Array.from(await values.read());
  student.dispose();
  return { names, values: read };
}

/** All else of a model: without values of these tensors, and without what was noted of the training. */
function withoutWeights(model: Uint8Array, names: readonly string[]): object {
  const { graph, metadataProps: _, ...rest } = onnx.ModelProto.toObject(onnx.ModelProto.decode(new Uint8Array(model)));
  const initializer = graph.initializer.map(({ rawData, ...tensor }: { rawData: Uint8Array; name: string }) =>
    names.includes(tensor.name) ? tensor : { ...tensor, rawData },
  );
  return { ...rest, graph: { ...graph, initializer } };
}

/** Six images of one bright and one dark box, 120×80, and their annotations; large enough to be seen at 32 pixels, too. */
async function droppedFiles() {
  const [width, height] = [120, 80];
  const background = { r: 120, g: 120, b: 110 };
  const boxes = Array.from({ length: 6 }, (_, i) => [
    { bbox: [4 + 2 * i, 12, 48, 60], category_id: 1, background: '#ffe' },
    { bbox: [66, 10 + 3 * i, 48, 50], category_id: 2, background: '#112' },
  ]);
  const files = boxes.map(async (own, i) => {
    const rectangles = own.map(({ bbox: [left, top, w, h], background: fill }) => ({
      input: { create: { width: w, height: h, channels: 3, background: fill } },
      left,
      top,
    }));
    const image = sharp({ create: { width, height, channels: 3, background } }).composite(
      rectangles as OverlayOptions[],
    );
    return { name: `${i}.png`, mimeType: 'image/png', buffer: await image.png().toBuffer() };
  });
  const annotations = {
    images: boxes.map((_, i) => ({ id: i + 1, file_name: `images/${i}.png`, width, height })),
    categories: ['bright', 'dark'].map((name, i) => ({ id: i + 1, name })),
    annotations: boxes.flatMap((own, i) =>
      own.map(({ bbox, category_id }) => ({ image_id: i + 1, category_id, bbox })),
    ),
  };
  const json = { name: 'boxes.json', mimeType: 'application/json', buffer: Buffer.from(JSON.stringify(annotations)) };
  return [...(await Promise.all(files)), json];
}

/** Two frames: what was asked for is on the screen. */
function settled(page: Page): Promise<unknown> {
  return page.evaluate(
    () => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(resolve, 450)))),
  );
}
