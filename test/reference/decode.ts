import { integral, sigmoid } from './bins.js';
import { type Box, iou, scaled } from './boxes.js';
import { decodeBox } from './boxParameters.js';
import { type GridOptions, gridLevels } from './grid.js';
import type { HeadOutputs } from './types.js';

/** Inference after the head, as in the authors' code. Plain float64 oracle. */
export interface DecodeSettings extends GridOptions {
  batch: number;
  classes: number;
  bins: number;
  /** What the bins stand for, in strides; 0 … bins − 1 unless given. */
  projection?: readonly number[] | undefined;
  /** ltrb: distances of the edges from the centre in strides; offset: deltas from the anchor (Qiu et al., CVPR 2020). */
  parameters: 'ltrb' | 'offset';
  scoreThreshold: number;
  /** Locations a level, by best score. */
  candidates: number;
  iou: number;
  maximum: number;
  /** Unpadded size of each image, pixels. */
  imageSizes: readonly { width: number; height: number }[];
}

export interface Detected {
  box: Box;
  score: number;
  label: number;
  location: number;
}

/** Detections of every image, in order of falling score (equal scores: by location, then class). */
export function detect(outputs: HeadOutputs, settings: DecodeSettings): Detected[][] {
  const { batch, classes, bins, octaveBaseScale: anchor = 8 } = settings;
  const levels = gridLevels(settings);
  return Array.from({ length: batch }, (_, image) => {
    const { width, height } = settings.imageSizes[image];
    const all = levels.flatMap((level, l) => {
      const area = level.centres.length;
      const rows = level.centres.map(([x, y], index) => {
        const expected = [0, 1, 2, 3].map((edge) => {
          const first = (image * 4 * bins + edge * bins) * area + index;
          return integral(
            Array.from({ length: bins }, (_, k) => outputs.boxLogits[l][first + k * area]),
            settings.projection,
          );
        });
        const centre: [number, number] = [x / level.stride, y / level.stride];
        const [x1, y1, x2, y2] = decodeBox(expected, centre, { ...settings, anchor }).map(({ value }) => value);
        const box = scaled([x1, y1, x2, y2], level.stride);
        const scores = Array.from({ length: classes }, (_, c) =>
          sigmoid(outputs.classLogits[l][(image * classes + c) * area + index]),
        );
        const clamped: Box = [
          Math.min(Math.max(box[0], 0), width),
          Math.min(Math.max(box[1], 0), height),
          Math.min(Math.max(box[2], 0), width),
          Math.min(Math.max(box[3], 0), height),
        ];
        return { box: clamped, scores, best: Math.max(...scores), location: level.first + index };
      });
      return rows.sort((a, b) => b.best - a.best || a.location - b.location).slice(0, settings.candidates);
    });
    const pairs = all.flatMap(({ box, scores, location }) =>
      scores
        .map((score, label) => ({ box, score, label, location }))
        .filter(({ score }) => score > settings.scoreThreshold),
    );
    return suppressed(pairs, settings.iou).slice(0, settings.maximum);
  });
}

/** Greedy suppression by the definition: take the best, drop what it covers, repeat; class by class, then merged. */
export function suppressed<T extends Omit<Detected, 'location'> & { location?: number }>(all: T[], limit: number): T[] {
  const better = (a: T, b: T) => b.score - a.score || (a.location ?? 0) - (b.location ?? 0) || a.label - b.label;
  const kept: T[] = [];
  for (const label of new Set(all.map((entry) => entry.label))) {
    let rest = all.filter((entry) => entry.label === label).sort(better);
    while (rest.length > 0) {
      const [first, ...others] = rest;
      kept.push(first);
      rest = others.filter(({ box }) => !(iou(first.box, box) > limit));
    }
  }
  return kept.sort(better);
}
