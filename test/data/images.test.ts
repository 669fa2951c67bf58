import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { fitSample } from '../../src/data/fit.js';
import { decodeImage } from '../../src/data/images.js';
import { Random } from '../../src/tensor/random.js';
import { InputError } from '../../src/util/error.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'edgewise-images-'));
});
afterAll(() => rm(folder, { recursive: true }));

function noise(width: number, height: number, channels: 1 | 3 | 4) {
  const random = Random.of(width, height, channels);
  const pixels = Uint8Array.from({ length: width * height * channels }, () => random.integer(256));
  return { pixels, image: sharp(pixels, { raw: { width, height, channels } }) };
}

test('a PNG is decoded to its red, green and blue bytes; grey is spread, alpha left out', async () => {
  const file = join(folder, 'image.png');
  const rgb = noise(9, 5, 3);
  await rgb.image.png().toFile(file);
  expect(await decodeImage(file)).toMatchObject({ width: 9, height: 5 });
  expect([...(await decodeImage(file)).pixels]).toEqual([...rgb.pixels]);

  const grey = noise(9, 5, 1);
  await grey.image.toColourspace('b-w').png().toFile(file);
  expect([...(await decodeImage(file)).pixels]).toEqual([...grey.pixels].flatMap((value) => [value, value, value]));

  const rgba = noise(9, 5, 4);
  await rgba.image.png().toFile(file);
  expect([...(await decodeImage(file)).pixels]).toEqual([...rgba.pixels].filter((_, i) => i % 4 !== 3));
});

test('an EXIF rotation is left alone, as the boxes refer to the stored pixels', async () => {
  const file = join(folder, 'turned.jpg');
  await noise(32, 16, 3).image.withMetadata({ orientation: 6 }).jpeg().toFile(file);
  expect(await decodeImage(file)).toMatchObject({ width: 32, height: 16 });
});

test('a JPEG cut short, corrupt inside, or no image at all is rejected with its name', async () => {
  const file = join(folder, 'broken.jpg');
  const whole = await noise(160, 120, 3).image.jpeg().toBuffer();
  for (const length of [0, 2, 200, whole.length >> 1, whole.length - 200]) {
    await writeFile(file, whole.subarray(0, length));
    const decoding = decodeImage(file);
    await expect(decoding, `${length} bytes`).rejects.toThrow(InputError);
    await expect(decoding).rejects.toThrow(/broken\.jpg cannot be decoded.*replace it/);
  }
  const corrupt = Buffer.from(whole);
  corrupt.fill(0xff, whole.length >> 1, (whole.length >> 1) + 400);
  await writeFile(file, corrupt);
  await expect(decodeImage(file)).rejects.toThrow(InputError);
  await writeFile(file, 'not an image');
  await expect(decodeImage(file)).rejects.toThrow(/cannot be decoded/);
  await expect(decodeImage(join(folder, 'absent.jpg'))).rejects.toThrow(/absent\.jpg cannot be read/);
});

test('a file replaced under its name is read anew', async () => {
  const file = join(folder, 'same.png');
  for (const width of [4, 6]) {
    await noise(width, 3, 3).image.png().toFile(file);
    expect((await decodeImage(file)).width).toBe(width);
  }
});

test('fitting keeps the aspect ratio and scales the boxes with the pixels', async () => {
  // A white rectangle on black: its edge must land where its scaled box says.
  const sample = {
    pixels: new Uint8Array(80 * 40 * 3),
    width: 80,
    height: 40,
    boxes: Float32Array.of(20, 8, 60, 24),
    labels: Int32Array.of(0),
    ignore: Float32Array.of(0, 0, 8, 8),
    id: 1,
  };
  for (let y = 8; y < 24; y++) sample.pixels.fill(255, 3 * (y * 80 + 20), 3 * (y * 80 + 60));
  for (const [height, width, scale] of [
    [64, 64, 0.8],
    [20, 100, 0.5],
    [200, 160, 2],
  ]) {
    const { sample: fitted, scale: found } = await fitSample(sample, height, width);
    expect(found).toBeCloseTo(scale, 12);
    expect([fitted.width, fitted.height]).toEqual([80 * scale, 40 * scale]);
    expect([...fitted.boxes]).toEqual([...sample.boxes].map((value) => Math.fround(value * scale)));
    expect([...fitted.ignore]).toEqual([...sample.ignore].map((value) => Math.fround(value * scale)));
    const at = (x: number, y: number) => fitted.pixels[3 * (Math.floor(y) * fitted.width + Math.floor(x))];
    const [x1, y1, x2, y2] = fitted.boxes;
    for (const [x, y] of [
      [x1 + 3, y1 + 3],
      [x2 - 3, y2 - 3],
    ])
      expect(at(x, y)).toBeGreaterThan(230);
    for (const [x, y] of [
      [x1 - 2.5, y1 + 3],
      [x2 + 2.5, y1 + 3],
      [x1 + 3, y2 + 2.5],
    ])
      expect(at(x, y)).toBeLessThan(25);
  }
  const same = await fitSample(sample, 40, 80);
  expect(same.sample).toBe(sample);
  expect(same.scale).toBe(1);
});
