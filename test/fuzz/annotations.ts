import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type CocoDataset, readCoco } from '../../src/data/coco.js';
import { averagePrecision } from '../../src/eval/averagePrecision.js';
import { readDetections } from '../../src/eval/detections.js';
import { Random } from '../../src/tensor/random.js';
import { InputError } from '../../src/util/error.js';
import { mutate } from './mutate.js';

const ANNOTATIONS = {
  info: { year: 2026 },
  images: [1, 2, 3].map((id) => ({ id, file_name: `${id}.png`, width: 64, height: 48 })),
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

/** What became of mutated inputs. */
export interface FuzzResult {
  read: number;
  refused: number;
  /** Inputs that gave another error than one line for people, or a figure that is none; with what they gave. */
  faults: { seed: number; annotations: string; detections: string; what: string }[];
}

/**
 * Reads mutated annotations and detections, and evaluates what could be read.
 * @param seed of the first input; each has the next one
 */
export async function fuzzAnnotations(seed: number, count: number): Promise<FuzzResult> {
  const folder = await mkdtemp(join(tmpdir(), 'edgewise-fuzz-'));
  const files = { annotations: join(folder, 'annotations.json'), detections: join(folder, 'detections.json') };
  const result: FuzzResult = { read: 0, refused: 0, faults: [] };
  try {
    for (let i = seed; i < seed + count; i++) {
      const random = Random.of(0xf0225, i);
      // One of the two, or both.
      const which = random.integer(3);
      const annotations = which === 1 ? JSON.stringify(ANNOTATIONS) : mutate(ANNOTATIONS, random);
      const detections = which === 0 ? JSON.stringify(DETECTIONS) : mutate(DETECTIONS, random);
      await writeFile(files.annotations, annotations);
      await writeFile(files.detections, detections);
      try {
        const dataset = await readCoco(files.annotations);
        const found = averagePrecision(dataset.truth, await readDetections(files.detections, dataset.truth));
        const what = notFinite(dataset) ?? notFigures(found);
        if (what !== null) result.faults.push({ seed: i, annotations, detections, what });
        else result.read++;
      } catch (error) {
        const isOneLine = error instanceof InputError && error.message.length < 2000 && !error.message.includes('\n');
        if (isOneLine) result.refused++;
        else result.faults.push({ seed: i, annotations, detections, what: String((error as Error).stack) });
      }
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  return result;
}

/** Every number that a training would take. */
function notFinite({ images, skipped }: CocoDataset): string | null {
  for (const { id, width, height, boxes, labels, ignore } of images) {
    const numbers = [id, width, height, skipped, ...boxes, ...labels, ...ignore];
    if (!numbers.every(Number.isFinite)) return `image ${id}: ${numbers}`;
    const isInside = [...boxes, ...ignore].every((value, i) => value >= 0 && value <= (i % 2 === 0 ? width : height));
    if (!isInside) return `image ${id}: boxes beyond it, ${boxes}, ${ignore}`;
  }
  return null;
}

/** Every figure is a share, or −1: not defined. */
function notFigures({ stats, perClass, perThreshold }: ReturnType<typeof averagePrecision>): string | null {
  const figures = [...stats, ...Object.values(perClass), ...perThreshold];
  return figures.every((value) => value === -1 || (value >= 0 && value <= 1)) ? null : `figures ${figures}`;
}
