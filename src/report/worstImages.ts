import type { ImageSource } from '../data/source.js';
import type { Evaluation } from '../train/evaluate.js';
import { findMistakes } from './mistakes.js';
import { embedImage } from './picture.js';
import { DRAWN_SCORE } from './scene.js';
import type { Box, WorstImage } from './types.js';

/** How many are shown. */
const MOST = 6;

/** The images with most mistakes of an evaluated detector, most first. */
export async function worstImages(source: ImageSource, { truth, detections }: Evaluation): Promise<WorstImage[]> {
  const classOf = new Map(source.classes.map(({ id }, index) => [id, index]));
  const placed = ({ category_id, bbox: [x, y, width, height] }: { category_id: number; bbox: readonly number[] }) => ({
    label: classOf.get(category_id) ?? 0,
    box: [x, y, x + width, y + height] as const satisfies Box,
  });
  const annotationsOf = byImage(truth.annotations);
  const detectionsOf = byImage(detections.filter(({ score }) => score > DRAWN_SCORE));
  const judged = truth.images.map((image, index) => {
    const annotations = annotationsOf.get(image.id) ?? [];
    const found = findMistakes(
      annotations.filter(({ iscrowd }) => !iscrowd).map(placed),
      (detectionsOf.get(image.id) ?? []).map((one) => ({ ...placed(one), score: one.score })),
      annotations.filter(({ iscrowd }) => iscrowd).map((one) => placed(one).box),
    );
    return { image, index, ...found };
  });
  judged.sort((a, b) => b.mistakes.length - a.mistakes.length);
  return Promise.all(
    judged
      .slice(0, MOST)
      .filter(({ mistakes }) => mistakes.length > 0)
      .map(async ({ image, index, mistakes, right }) => ({
        picture: { id: image.id, name: image.file_name, scale: 1, ...(await embedImage(await source.load(index))) },
        mistakes,
        right,
      })),
  );
}

function byImage<T extends { image_id: number }>(list: Iterable<T>): Map<number, T[]> {
  const found = new Map<number, T[]>();
  for (const one of list) {
    const others = found.get(one.image_id);
    if (others) others.push(one);
    else found.set(one.image_id, [one]);
  }
  return found;
}
