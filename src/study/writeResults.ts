import { join } from 'node:path';
import { writeWhole } from '../util/atomicFile.js';
import { FILES, pretty } from './files.js';
import { describeResults } from './markdown.js';
import { collectResults } from './results.js';
import type { StudyResults } from './types.js';

/**
 * Writes `results.json` and `results.md` of all plans in a study's folder.
 * @throws InputError when it is no study's folder
 */
export async function writeResults(study: string): Promise<StudyResults> {
  const results = await collectResults(study);
  await writeWhole(join(study, FILES.results), pretty(results));
  await writeWhole(join(study, FILES.markdown), describeResults(results));
  return results;
}
