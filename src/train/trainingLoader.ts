import { Loader } from '../data/loader.js';
import type { ImageSource } from '../data/source.js';
import type { Communicator } from '../mpi/communicator.js';
import type { TrainSettings } from './settings.js';
import type { TeacherConfig } from './teacher.js';

/**
 * A training's batches; of one of several processes, its share of them. What is kept for them, such as a teacher's outputs, has to use the same.
 * @throws InputError when there are fewer images than a step has, or the processes cannot share it equally
 */
export function trainingLoader(
  source: ImageSource,
  { width, height }: Pick<TeacherConfig, 'width' | 'height'>,
  { batch, seed, augment, accumulate = 1 }: Pick<TrainSettings, 'batch' | 'seed' | 'augment'> & { accumulate?: number },
  ranks?: Pick<Communicator, 'rank' | 'size'>,
): Loader {
  const share = ranks && ranks.size > 1 ? { share: { part: ranks.rank, of: ranks.size } } : {};
  return new Loader(source, {
    width,
    height,
    batch,
    seed,
    augment,
    shuffle: true,
    dropLast: true,
    accumulate,
    ...share,
  });
}
