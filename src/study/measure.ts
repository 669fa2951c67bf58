import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ImageSource } from '../data/source.js';
import type { Detector } from '../detector/detector.js';
import type { Recipe } from '../losses/recipe.js';
import type { Agreement } from '../train/agreement.js';
import { evaluate, namedStatistics } from '../train/evaluate.js';
import { pretty, writeWhole } from './files.js';

export interface RunMeasures {
  split: string;
  images: number;
  stats: Record<string, number>;
  agreement: Agreement | null;
}

const MEASURES = 'measures.json';

export async function measureRun(options: {
  detector: Detector;
  source: ImageSource;
  split: string;
  recipe: Recipe;
  teacher?: Detector;
  signal?: AbortSignal;
  onProgress?: (done: number, of: number) => void;
}): Promise<RunMeasures | null> {
  const { detector, split, ...rest } = options;
  const found = await evaluate(detector, rest);
  if (!found) return null;
  return {
    split,
    images: rest.source.length,
    stats: namedStatistics(found.averagePrecision),
    agreement: found.agreement,
  };
}

export async function writeMeasures(folder: string, measures: RunMeasures): Promise<void> {
  await writeWhole(join(folder, MEASURES), pretty(measures));
}

/** Null where the run has none. */
export async function readMeasures(folder: string): Promise<RunMeasures | null> {
  try {
    return JSON.parse(await readFile(join(folder, MEASURES), 'utf8')) as RunMeasures;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}
