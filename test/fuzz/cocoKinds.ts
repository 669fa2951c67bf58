import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import sharp from 'sharp';
import { table } from '../../src/cli/table.js';
import { readCoco } from '../../src/data/coco.js';
import type { CocoDataset } from '../../src/data/cocoDataset.js';
import { openDataset } from '../../src/data/folder.js';
import { averagePrecision, STATISTICS } from '../../src/eval/averagePrecision.js';
import { readDetections } from '../../src/eval/detections.js';
import { loadGoldenCase } from '../../src/eval/goldenCase.js';
import type { Random } from '../../src/tensor/random.js';
import { percent } from '../../src/util/figures.js';
import { exists } from '../../src/util/folder.js';
import { dropped, OWN_SIZE } from '../../src/web/data.js';
import type { FuzzKind } from './kind.js';
import { mutateBytes, mutateJson, mutateSafetensors, pick } from './mutate.js';
import { once } from './once.js';

const [WIDTH, HEIGHT] = [64, 48];
const ANNOTATIONS = {
  info: { year: 2026 },
  images: [1, 2, 3].map((id) => ({ id, file_name: `${id}.png`, width: WIDTH, height: HEIGHT })),
  categories: [
    { id: 0, name: 'cells', supercategory: 'none' },
    { id: 1, name: 'red', supercategory: 'cells' },
    { id: 7, name: 'blue', supercategory: 'cells' },
  ],
  annotations: [0, 1, 2, 3, 4, 5].map((i) => ({
    id: i + 1,
    image_id: 1 + (i % 3),
    category_id: i % 2 === 0 ? 1 : 7,
    bbox: [3 * i, 2 * i, 10 + i, 12],
    area: 12 * (10 + i),
    iscrowd: i === 5 ? 1 : 0,
    segmentation: [[1, 2, 3, 4, 5, 6]],
  })),
};
const DETECTIONS = ANNOTATIONS.annotations.map(({ image_id, category_id, bbox }, i) => ({
  image_id,
  category_id,
  bbox: bbox.map((value) => value + 0.5),
  score: 1 - i / 10,
}));

const evaluation = (name: string, mutated: 'annotations' | 'detections'): FuzzKind => ({
  name,
  async write(folder, random) {
    const files = { annotations: ANNOTATIONS, detections: DETECTIONS };
    for (const [file, value] of Object.entries(files)) {
      const text = file === mutated ? mutateJson(value, random) : JSON.stringify(value);
      await writeFile(join(folder, `${file}.json`), text);
    }
  },
  async read(folder) {
    const dataset = await readCoco(join(folder, 'annotations.json'));
    const { truth, notices } = dataset;
    const detections = await readDetections(join(folder, 'detections.json'), truth, (notice) => notices.push(notice));
    const { stats, perClass, perThreshold } = averagePrecision(truth, detections);
    // Every figure is a share, or −1: not defined.
    const wrong = [...stats, ...Object.values(perClass), ...perThreshold].find((v) => v !== -1 && !(v >= 0 && v <= 1));
    if (wrong !== undefined) throw new Error(`a figure is ${wrong}`);
    return [trained(dataset), ...notices, table([STATISTICS, stats.map(percent)])].join('\n');
  },
  command: ['evaluate', '--annotations', 'annotations.json', '--detections', 'detections.json'],
});

/** Every number that a training takes. @throws Error for boxes beyond their image */
function trained({ images, skipped }: Pick<CocoDataset, 'images' | 'skipped'>): string {
  const lines = images.map(({ id, width, height, boxes, labels, ignore }) => {
    const isInside = [...boxes, ...ignore].every((value, i) => value >= 0 && value <= (i % 2 === 0 ? width : height));
    if (!isInside) throw new Error(`image ${id}: boxes beyond it, ${boxes}, ${ignore}`);
    return `${id} ${width} ${height} ${boxes.join(' ')} ${labels.join(' ')} ${ignore.join(' ')}`;
  });
  return [skipped, ...lines].join('\n');
}

/** A picture in each format that is read, and one that is not. */
const pictures = once(async () => {
  const stripes = Uint8Array.from({ length: 3 * WIDTH * HEIGHT }, (_, i) => (i * 7) % 256);
  const image = () => sharp(stripes, { raw: { width: WIDTH, height: HEIGHT, channels: 3 } });
  return Promise.all([
    image()
      .jpeg()
      .withExif({ IFD0: { Orientation: '3' } })
      .toBuffer(),
    image().png().toBuffer(),
    image().toColourspace('rgb16').png().toBuffer(),
    image().webp().toBuffer(),
    image().tiff().toBuffer(),
    image().gif().toBuffer(),
    image().avif({ effort: 0 }).toBuffer(),
    Buffer.from(`<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${HEIGHT}"/>`),
  ]);
});

/** A file that says that broken images are to be left out. */
const SKIP = 'skip';

const dataFolder: FuzzKind = {
  name: 'data folder',
  async write(folder, random) {
    await mkdir(join(folder, 'annotations'));
    await mkdir(join(folder, 'images'));
    if (random.next() < 0.5) await writeFile(join(folder, SKIP), '');
    const isText = random.next() < 0.2;
    const text = isText ? mutateJson(ANNOTATIONS, random) : JSON.stringify(ANNOTATIONS);
    await writeFile(join(folder, 'annotations', 'train.json'), text);
    const [, png] = await pictures();
    const changed = random.integer(3);
    for (const [i, { file_name }] of ANNOTATIONS.images.entries()) {
      const bytes = i === changed && !isText ? mutateBytes(pick(random, await pictures()), random) : png;
      if (random.next() < 0.98) await writeFile(join(folder, 'images', file_name), bytes);
    }
  },
  async read(folder) {
    const source = await openDataset(folder, 'train', { skipBrokenImages: await exists(join(folder, SKIP)) });
    const samples = await Promise.all(Array.from({ length: source.length }, (_, i) => source.load(i)));
    const shown = samples.map(({ pixels, width, height }) => {
      if (pixels.length !== 3 * width * height) throw new Error(`${pixels.length} bytes for ${width}×${height}`);
      return `${width} ${height}`;
    });
    return [trained(source.dataset), ...source.dataset.notices, ...shown].join('\n');
  },
  command: ['regions', '.', '--width', '64', '--height', '64'],
};

const drop: FuzzKind = {
  name: 'drop on the page',
  async write(folder, random) {
    await writeFile(join(folder, 'coco.json'), mutateJson(ANNOTATIONS, random));
  },
  async read(folder) {
    const text = await readFile(join(folder, 'coco.json'));
    const names = ['data/annotations/train.json', 'data/images/1.png', 'data/images/2.png', 'other/2.png'];
    // Images are decoded by the browser, later.
    const files = names.map((path) => ({ path, file: new File([text], basename(path)) }));
    const { train, validation } = await dropped(files, OWN_SIZE);
    return `${train.length} ${validation.length} ${train.classes.map(({ id, name }) => `${id} ${name}`)}`;
  },
};

const GOLDEN = [
  'assign-ignored-regions',
  'assign-crowded',
  'big-logits',
  'heads/tal-bins-8',
  'heads/dsl-small',
  'heads/bckd-big-logits',
];
const goldenFile = once((name: string) => readFile(join('test', 'golden', `${name}.safetensors`)));

const golden: FuzzKind = {
  name: 'golden case',
  async write(folder: string, random: Random) {
    const bytes = await goldenFile(pick(random, GOLDEN));
    await writeFile(join(folder, 'golden.safetensors'), mutateSafetensors(bytes, random));
  },
  async read(folder) {
    const golden = await loadGoldenCase(join(folder, 'golden.safetensors'));
    const { batch, classes, grid } = golden;
    const bins = 'head' in golden ? golden.bins : golden.loss?.bins;
    // What is compared may hold NaN: then it does not agree.
    return [batch, classes, ...grid.areas, bins ?? 'no loss'].join(' ');
  },
  command: ['verify', 'golden.safetensors'],
};

export const cocoKinds: readonly FuzzKind[] = [
  evaluation('annotations', 'annotations'),
  evaluation('detections', 'detections'),
  dataFolder,
  drop,
  golden,
];
