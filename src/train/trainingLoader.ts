import { Loader } from '../data/loader.js';
import type { ImageSource } from '../data/source.js';
import type { TrainSettings } from './settings.js';
import type { TeacherConfig } from './teacher.js';

/**
 * The batches of a training. Whatever is kept for them, such as a teacher's outputs, has to come from the same.
 * @throws InputError when there are fewer images than a step has
 */
export function trainingLoader(
  source: ImageSource,
  { width, height }: Pick<TeacherConfig, 'width' | 'height'>,
  { batch, seed, augment, accumulate = 1 }: Pick<TrainSettings, 'batch' | 'seed' | 'augment'> & { accumulate?: number },
): Loader {
  return new Loader(source, { width, height, batch, seed, augment, shuffle: true, dropLast: true, accumulate });
}
