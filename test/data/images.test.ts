import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp, { type Sharp } from 'sharp';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { fitSample } from '../../src/data/fit.js';
import { decodeImage, readHeader } from '../../src/data/images.js';
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

/** A black picture of 32×16 whose stored top left corner is white, with an EXIF orientation. */
async function turned(orientation: number, name = 'turned.png', [width, height] = [32, 16]): Promise<string> {
  const file = join(folder, name);
  const corner = {
    input: { create: { width: 4, height: 4, channels: 3 as const, background: 'white' } },
    left: 0,
    top: 0,
  };
  const image = sharp({ create: { width, height, channels: 3, background: 'black' } }).composite([corner]);
  await image.withMetadata({ orientation }).png().toFile(file);
  return file;
}

test('a rotation noted in EXIF is applied where the expected size is that of the upright picture', async () => {
  const corners = ({ pixels, width, height }: Awaited<ReturnType<typeof decodeImage>>) =>
    [0, width - 1, (height - 1) * width, height * width - 1].map((at) => pixels[3 * at]);
  const file = await turned(6); // a quarter turn clockwise makes it upright
  expect(corners(await decodeImage(file))).toEqual([255, 0, 0, 0]);
  expect(corners(await decodeImage(file, { width: 32, height: 16 }))).toEqual([255, 0, 0, 0]);
  const upright = await decodeImage(file, { width: 16, height: 32 });
  expect(upright).toMatchObject({ width: 16, height: 32 });
  expect(corners(upright)).toEqual([0, 255, 0, 0]);
  // A half turn leaves the size as it is: others have to say.
  const half = await turned(3);
  expect(corners(await decodeImage(half, { width: 32, height: 16 }))).toEqual([255, 0, 0, 0]);
  expect(corners(await decodeImage(half, { width: 32, height: 16, isUpright: true }))).toEqual([0, 0, 0, 255]);
  await expect(decodeImage(half, { width: 16, height: 32 })).rejects.toThrow(
    /is 32×16 pixels but its entry says 16×32.*EXIF/,
  );
});

test('the header tells size, orientation, depth, and whether the end is there', async () => {
  expect(await readHeader(await turned(6))).toEqual({
    width: 32,
    height: 16,
    orientation: 6,
    isDeep: false,
    isWhole: true,
  });
  const deep = join(folder, 'deep.png');
  await noise(8, 8, 3).image.toColourspace('rgb16').png().toFile(deep);
  expect(await readHeader(deep)).toMatchObject({ orientation: 1, isDeep: true });
  const file = join(folder, 'cut');
  for (const [name, make] of Object.entries({
    jpg: (image: Sharp) => image.jpeg(),
    png: (image: Sharp) => image.png(),
    gif: (image: Sharp) => image.gif(),
    webp: (image: Sharp) => image.webp({ lossless: true }),
    tiff: (image: Sharp) => image.tiff(),
    avif: (image: Sharp) => image.avif({ effort: 0 }),
  })) {
    // Larger than what is read at first, so that it is not whole.
    const size = name === 'avif' ? 40 : 300;
    const bytes = await make(noise(size, size, 3).image).toBuffer();
    await writeFile(file, bytes);
    expect(await readHeader(file), name).toMatchObject({ width: size, height: size, isWhole: true });
    if (!['jpg', 'png'].includes(name)) continue;
    await writeFile(file, bytes.subarray(0, bytes.length - 40));
    expect(await readHeader(file), name).toMatchObject({ width: size, height: size, isWhole: false });
  }
});

test.each([
  ['BMP', 'BM6\0\0\0\0\0\0\0'],
  ['JPEG 2000', '\0\0\0\x0cjP  \r\n'],
  ['PNM', 'P6\n4 4\n255\n'],
  ['SVG', '<?xml version="1.0"?>\n<!-- a -->\n<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'],
  ['SVG', '  <svg width="9" height="9"><filter id="f"/></svg>'],
  ['HEIC', '\0\0\0\x18ftypheic\0\0\0\0mif1heic'],
  ['web page', '<!DOCTYPE html><html><body>Sign in</body></html>'],
  ['Git LFS pointer', 'version https://git-lfs.github.com/spec/v1\noid sha256:4d7a'],
  ['PDF', '%PDF-1.7'],
  ['TGA', '\0\0\x02\0\0\0\0\0\0\0\0\0\x40\0\x30\0\x18\x20\x01\x02\x03'],
  ['TGA', '\0\x01\x09\0\0\x10\0\x18\0\0\0\0\x40\0\x30\0\x08\0\x01\x02\x03'],
])('%s is named, and no decoder sees it', async (name, content) => {
  const file = join(folder, 'other.png');
  await writeFile(file, Buffer.from(content, 'latin1'));
  for (const read of [decodeImage, readHeader]) {
    await expect(read(file)).rejects.toThrow(InputError);
    await expect(read(file)).rejects.toThrow(
      new RegExp(`is of the format ${name}.*, which is not read \\(JPEG, PNG, WebP, `),
    );
  }
});

test('a size beyond what is decoded is told from the header', async () => {
  const file = join(folder, 'large.png');
  await noise(4, 4, 3).image.png().toFile(file);
  const bytes = await readFile(file);
  bytes.writeUInt32BE(20_000, 16);
  bytes.writeUInt32BE(14_000, 20);
  bytes.writeUInt32BE(crc32(bytes.subarray(12, 29)), 29);
  await writeFile(file, bytes);
  for (const read of [decodeImage, readHeader]) {
    await expect(read(file)).rejects.toThrow(
      /large\.png is 20000×14000 pixels, more than the 268 million that are decoded/,
    );
  }
  bytes.writeUInt32BE(16_000, 16);
  bytes.writeUInt32BE(crc32(bytes.subarray(12, 29)), 29);
  await writeFile(file, bytes);
  await expect(decodeImage(file, { width: 4, height: 4 })).rejects.toThrow(
    /is 16000×14000 pixels but its entry says 4×4/,
  );
});

/** PNG's check sum; node:zlib has it from Node 22 on. */
function crc32(bytes: Uint8Array): number {
  let sum = -1;
  for (const byte of bytes) {
    sum ^= byte;
    for (let bit = 0; bit < 8; bit++) sum = (sum >>> 1) ^ (sum & 1 ? 0xedb88320 : 0);
  }
  return ~sum >>> 0;
}

test('a JPEG cut short, corrupt inside, or no image at all is rejected with its name', async () => {
  const file = join(folder, 'broken.jpg');
  const whole = await noise(160, 120, 3).image.jpeg().toBuffer();
  for (const length of [200, whole.length >> 1, whole.length - 200]) {
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
  await expect(decodeImage(file)).rejects.toThrow(
    /broken\.jpg is of no format that is read \(JPEG, PNG, .* are\); convert it/,
  );
  await writeFile(file, '');
  await expect(decodeImage(file)).rejects.toThrow(/broken\.jpg is empty; replace it/);
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
