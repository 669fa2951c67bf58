import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { MEASURES, type RunMeasures, readMeasures } from '../train/measures.js';

/**
 * The measures that a run's folder holds of a split; null where there are none, or of another split or number of images.
 * @throws InputError when they are malformed
 */
export async function storedMeasures(folder: string, split: string, images: number): Promise<RunMeasures | null> {
  const isThere = await stat(join(folder, MEASURES)).then(
    () => true,
    () => false,
  );
  if (!isThere) return null;
  const measures = await readMeasures(folder);
  return measures.split === split && measures.images === images ? measures : null;
}
