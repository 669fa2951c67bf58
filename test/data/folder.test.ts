import { mkdir, mkdtemp, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp, { type Sharp } from 'sharp';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openDataset } from '../../src/data/folder.js';
import { InputError } from '../../src/util/error.js';

let folder: string;
let count = 0;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'edgewise-folder-'));
});
afterAll(() => rm(folder, { recursive: true }));

const categories = [{ id: 1, name: 'a' }];
const SIZE = { width: 40, height: 30 };

type Make = (image: Sharp) => Sharp;
interface File {
  /** In `images/`; default the name. */
  path?: string;
  /** Of the entry. */
  size?: { width: number; height: number };
  /** How the file is made; default PNG. */
  make?: Make | Buffer | null;
  boxes?: number[][];
}

/** A folder of one split, val: an image for each name, grey unless it is made otherwise. */
async function dataFolder(files: Record<string, File>): Promise<string> {
  const data = join(folder, String(count++));
  await mkdir(join(data, 'annotations'), { recursive: true });
  await mkdir(join(data, 'images', 'sub'), { recursive: true });
  const entries = Object.entries(files);
  for (const [name, { path = name, make = (image: Sharp) => image.png() }] of entries) {
    const file = join(data, 'images', path);
    const grey: Sharp = sharp({ create: { ...SIZE, channels: 3, background: '#336699' } });
    if (Buffer.isBuffer(make)) await writeFile(file, make);
    else if (make) await writeFile(file, await make(grey).toBuffer());
  }
  const annotations = {
    images: entries.map(([file_name, { size = SIZE }], i) => ({ id: i + 1, file_name, ...size })),
    categories,
    annotations: entries.flatMap(([, { boxes = [[1, 2, 10, 20]] }], i) =>
      boxes.map((bbox) => ({ image_id: i + 1, category_id: 1, bbox })),
    ),
  };
  await writeFile(join(data, 'annotations', 'val.json'), JSON.stringify(annotations));
  return data;
}

const noticesOf = async (data: string) => (await openDataset(data, 'val')).dataset.notices;

test('a data folder gives samples with their objects, and needs no word', async () => {
  const data = await dataFolder({ 'a.png': {}, 'sub/b.png': { boxes: [] } });
  const source = await openDataset(data, 'val');
  expect(source).toMatchObject({ length: 2, classes: categories, broken: 0 });
  expect(source.dataset.notices).toEqual([]);
  expect(source.paths[1]).toBe(join(data, 'images', 'sub', 'b.png'));
  const sample = await source.load(0);
  expect(sample).toMatchObject({ ...SIZE, id: 1, labels: Int32Array.of(0) });
  expect([...sample.pixels.subarray(0, 3)]).toEqual([0x33, 0x66, 0x99]);
  expect((await source.load(1)).boxes).toHaveLength(0);
});

test('what a data folder lacks is named', async () => {
  await expect(openDataset(join(folder, 'nowhere'), 'val')).rejects.toThrow(
    /nowhere does not exist; a data folder holds/,
  );
  const data = await dataFolder({ 'a.png': {} });
  await expect(openDataset(data, 'train')).rejects.toThrow(/train\.json does not exist/);
  await rm(join(data, 'images'), { recursive: true });
  await expect(openDataset(data, 'val')).rejects.toThrow(/images does not exist; a data folder holds/);
  await writeFile(join(data, 'images'), '../images');
  await expect(openDataset(data, 'val')).rejects.toThrow(/images is a file; a data folder holds/);
  await rm(join(data, 'images'));
});

test('entries of one file are told: an object of one is background in the other', async () => {
  const data = await dataFolder({ 'a.png': {}, 'b.png': {} });
  const file = join(data, 'annotations', 'val.json');
  const annotations = JSON.parse(await readFile(file, 'utf8'));
  annotations.images.push({ ...annotations.images[0], id: 3 });
  await writeFile(file, JSON.stringify(annotations));
  expect(await noticesOf(data)).toEqual([
    expect.stringMatching(/^1 of 3 entries name a file that an entry before has \(such as \S+a\.png\)/),
  ]);
});

test('all images that cannot be used are told at once, before anything is loaded', async () => {
  const whole = await sharp({ create: { ...SIZE, channels: 3, background: '#336699' } })
    .jpeg()
    .toBuffer();
  const files: Record<string, File> = {
    'absent.png': { make: null },
    'A.png': { path: 'a.png' },
    'cut.jpg': { make: whole.subarray(0, whole.length - 60) },
    'drawing.png': { make: Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="40" height="30"/>') },
    'other.png': { size: { width: 41, height: 30 } },
    'turned.png': { size: { width: 30, height: 40 } },
    'good.png': {},
  };
  const data = await dataFolder(files);
  const opening = openDataset(data, 'val');
  await expect(opening).rejects.toThrow(InputError);
  await expect(opening).rejects.toThrow(
    /val\.json: 6 of 7 images cannot be used: image \S+absent\.png does not exist, image \S+A\.png does not exist \(a\.png does: capital letters differ\), image .* and 3 more; replace or correct them, or leave them out \(--skip-broken-images\)/,
  );
  const message = async (name: string) => {
    const alone = await dataFolder({ [name]: files[name] });
    return openDataset(alone, 'val').then(String, (error: Error) => error.message);
  };
  expect(await message('cut.jpg')).toMatch(/1 of 1 image .*cut\.jpg cannot be decoded/);
  expect(await message('drawing.png')).toMatch(/drawing\.png is of the format SVG, which is not read/);
  expect(await message('other.png')).toMatch(
    /other\.png is 40×30 pixels but its entry says 41×30: the boxes would not/,
  );
  expect(await message('turned.png')).toMatch(
    /turned\.png is 40×30 pixels but its entry says 30×40: .*EXIF orientation/,
  );

  const source = await openDataset(data, 'val', { skipBrokenImages: true });
  expect(source).toMatchObject({ length: 1, broken: 6 });
  expect(source.dataset.notices).toEqual([expect.stringMatching(/^left out: 6 of 7 images cannot be used: image/)]);
  expect(source.dataset.truth.images.map(({ file_name }) => file_name)).toEqual(['good.png']);
  expect([...source.dataset.truth.annotations]).toEqual([
    { id: 7, image_id: 7, category_id: 1, bbox: [1, 2, 10, 20], area: 200, iscrowd: 0 },
  ]);
  expect(await source.load(0)).toMatchObject({ id: 7, boxes: Float32Array.of(1, 2, 11, 22) });

  // Without the look at them they are met when they are loaded.
  const unchecked = await openDataset(await dataFolder({ 'other.png': files['other.png'] }), 'val', {
    checkImages: false,
  });
  await expect(unchecked.load(0)).rejects.toThrow(/other\.png is 40×30 pixels but its entry says 41×30/);
  const none = openDataset(await dataFolder({ 'cut.jpg': files['cut.jpg'] }), 'val', { skipBrokenImages: true });
  await expect(none).rejects.toThrow(/no image is left; 1 of 1 image cannot be used/);
});

test('damage inside a file is found where broken images are to be left out', async () => {
  const image = sharp(Buffer.from(Array.from({ length: 200 * 200 * 3 }, (_, i) => (i * 7919) % 251)), {
    raw: { width: 200, height: 200, channels: 3 },
  });
  const bytes = await image.jpeg().toBuffer();
  bytes.fill(0xff, bytes.length >> 1, (bytes.length >> 1) + 400);
  const size = { width: 200, height: 200 };
  const data = await dataFolder({ 'a.png': {}, 'damaged.jpg': { make: bytes, size } });
  const seen: number[][] = [];
  const onProgress = (done: number, of: number) => void seen.push([done, of]);
  const source = await openDataset(data, 'val', { skipBrokenImages: true, onProgress });
  expect(source).toMatchObject({ length: 1, broken: 1 });
  expect(seen.at(-1)).toEqual([2, 2]);
});

test('boxes that are not in pixels are refused before any image is looked at', async () => {
  const data = await dataFolder({ 'a.png': { make: null, boxes: [[0.1, 0.2, 0.5, 0.5]] } });
  await expect(openDataset(data, 'val')).rejects.toThrow(InputError);
  await expect(openDataset(data, 'val')).rejects.toThrow(/val\.json: bbox: 1 of 1 annotation lie within 0 … 1/);
});

test.each<[string, string, string, RegExp | null]>([
  ['as they are', 'sub/x.png', 'sub/x.png', null],
  [
    'in the other normal form',
    'Zelle_\u00e4.png',
    'Zelle_a\u0308.png',
    /^2 of 2 file names are found in the other Unicode/,
  ],
  ['likewise', 'Zelle_a\u0308.png', 'Zelle_\u00e4.png', /normal form/],
  [
    'with backslashes',
    'sub\\x.png',
    'sub/x.png',
    /^2 of 2 file names are found with \/ for \\ \(sub\\x\.png → sub\/x\.png\)$/,
  ],
  ['with images/ doubled', 'images/x.png', 'x.png', /without their leading folders \(images\/x\.png → x\.png\)/],
  ['with a path of Label Studio', '../../label-studio/data/media/upload/1/x.png', 'x.png', /leading folders/],
  ['as a URL', 'https://example.org/sets/a%20b.png', 'a b.png', /as the path of a URL \(https:.* → a b\.png\)/],
  ['by what a query names', '/data/local-files/?d=sub/x.png', 'sub/x.png', /as the path of a URL/],
  ['with all of these', 'C:\\data\\images\\sub\\\u00e4.png', 'sub/a\u0308.png', /leading folders/],
])('files are found %s', async (_, name, path, notice) => {
  const second = (text: string) => text.replace(/\.png$/, '2.png');
  const data = await dataFolder({ [name]: { path }, [second(name)]: { path: second(path) } });
  const source = await openDataset(data, 'val');
  expect(source.dataset.notices).toEqual(notice === null ? [] : [expect.stringMatching(notice)]);
  const listed = (await readdir(join(data, 'images'), { recursive: true })).filter((file) => file.endsWith('.png'));
  expect(source.paths.map((file) => file.slice(join(data, 'images').length + 1)).sort()).toEqual(listed.sort());
  expect(await source.load(1)).toMatchObject({ id: 2 });
});

test('two files that differ in their normal form alone stay two; two names of one file are refused', async () => {
  const two = await dataFolder({ '\u00e4.png': {}, 'a\u0308.png': {} });
  expect(await noticesOf(two)).toEqual([]);
  const one = await dataFolder({ 'a/x.png': { path: 'x.png' }, 'b/x.png': { path: 'x.png' } });
  await expect(noticesOf(one)).rejects.toThrow(/"a\/x\.png" and images\[1\]\.file_name "b\/x\.png" are the same file/);
});

test('a file behind a link is found under its own name', async () => {
  const data = await dataFolder({ 'linked/x.png': { path: 'x.png' } });
  await mkdir(join(data, 'elsewhere'));
  await rename(join(data, 'images', 'x.png'), join(data, 'elsewhere', 'x.png'));
  await symlink(join(data, 'elsewhere'), join(data, 'images', 'linked'));
  expect(await noticesOf(data)).toEqual([]);
});

const orientation =
  (value: number): Make =>
  (image) =>
    image.withMetadata({ orientation: value }).png();
const TURNED = { width: 30, height: 40 };

test('photos are turned by their EXIF orientation where their entries say so, and it is told', async () => {
  const upright = { 'p.png': { make: orientation(6), size: TURNED }, 'q.png': { make: orientation(3) } };
  const data = await dataFolder({ 'a.png': {}, ...upright });
  const source = await openDataset(data, 'val');
  expect(source.dataset.notices).toEqual([
    expect.stringMatching(/^1 of \d images are turned upright by their EXIF orientation.*p\.png/),
    expect.stringMatching(
      /^1 of \d images have an EXIF orientation that their size does not show.*the upright picture, as/,
    ),
  ]);
  expect(await source.load(1)).toMatchObject(TURNED);

  expect(
    await noticesOf(await dataFolder({ 'p.png': { make: orientation(6) }, 'q.png': { make: orientation(3) } })),
  ).toEqual([
    expect.stringMatching(/^1 of \d images have an EXIF orientation that is not applied.*p\.png/),
    expect.stringMatching(/boxes are taken for those of the stored pixels; write the files upright/),
  ]);
});

/** A TIFF of 32-bit floats, grey. */
function floats(value: (i: number) => number): Buffer {
  const { width, height } = SIZE;
  const count = width * height;
  const tags = [
    [256, 3, width],
    [257, 3, height],
    [258, 3, 32],
    [259, 3, 1],
    [262, 3, 1],
    [273, 4, 8],
    [277, 3, 1],
    [278, 3, height],
    [279, 4, 4 * count],
    [339, 3, 3],
  ];
  const start = 8 + 4 * count;
  const bytes = Buffer.alloc(start + 2 + 12 * tags.length + 4);
  bytes.write('II*\0', 'latin1');
  bytes.writeUInt32LE(start, 4);
  for (let i = 0; i < count; i++) bytes.writeFloatLE(value(i), 8 + 4 * i);
  bytes.writeUInt16LE(tags.length, start);
  for (const [i, [tag, type, content]] of tags.entries()) {
    const at = start + 2 + 12 * i;
    bytes.writeUInt16LE(tag, at);
    bytes.writeUInt16LE(type, at + 2);
    bytes.writeUInt32LE(1, at + 4);
    bytes.writeUInt32LE(content, at + 8);
  }
  return bytes;
}

test('images darker than their format are told', async () => {
  const twelveBits: Make = () => {
    const values = Uint16Array.from({ length: SIZE.width * SIZE.height * 3 }, (_, i) => (37 * i) % 4096);
    return sharp(values, { raw: { ...SIZE, channels: 3 } })
      .toColourspace('rgb16')
      .png();
  };
  const mask: Make = () => sharp(Buffer.alloc(SIZE.width * SIZE.height, 2), { raw: { ...SIZE, channels: 1 } }).png();
  const told = await noticesOf(
    await dataFolder({
      'a.png': {},
      'mask.png': { make: mask },
      '12.png': { make: twelveBits },
      'f1.tiff': { make: floats((i) => (i % 97) / 97) },
      'f255.tiff': { make: floats((i) => i % 256) },
      'f4000.tiff': { make: floats(() => 4000) },
    }),
  );
  expect(told).toEqual([
    expect.stringMatching(
      /^1 of 2 images looked at are black: no value reaches a hundredth .*mask\.png: brightest value 2/,
    ),
    expect.stringMatching(
      /^2 of 4 images looked at have more than 8 bits and use an eighth.*12\.png: brightest value 15/,
    ),
    expect.stringMatching(/^1 of 4 images looked at have more than 8 bits and are nearly all white/),
  ]);
});
