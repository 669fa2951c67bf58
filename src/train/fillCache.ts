import { assertSameClasses } from '../data/classes.js';
import type { ImageSource } from '../data/source.js';
import { Pyramid } from '../tensor/pyramid.js';
import { assertOutputsFit, compileOutputs } from './fits.js';
import type { TrainSettings } from './settings.js';
import type { Teacher, TeacherStep } from './teacher.js';
import { TeacherCache } from './teacherCache.js';
import { trainingLoader } from './trainingLoader.js';

/** For which trainings a cache is filled. */
export interface FillOptions {
  /** Those of the trainings to come. */
  settings: Pick<TrainSettings, 'batch' | 'seed' | 'augment' | 'epochs'>;
  /** The images of the trainings to come. */
  source: ImageSource;
  /** Told of the kernels that are compiled before the first batch; not where the device has them. */
  onCompile?: (done: number, of: number) => void;
  /** Told of the batches done. */
  onProgress?: (done: number, of: number) => void;
  /** Told of files that cannot be used. */
  onWarning?: (message: string) => void;
  /** Once aborted, the batch under way is finished; the epoch is not kept. */
  signal?: AbortSignal;
}

/**
 * Computes a teacher's logits for the batches of trainings to come and keeps them in a cache, epoch by epoch, but for epochs already there.
 * @param root of the cache: `teacherCache` of the trainings
 * @returns epochs computed now; fewer than asked for where they were there, or it was aborted
 * @throws DeviceError when the cache cannot be written
 * @throws InputError when the batch is too large for the device, or as the teacher's `prepare`
 */
export async function fillTeacherCache(
  root: string,
  teacher: Teacher,
  { settings, source, onCompile, onProgress, onWarning, signal }: FillOptions,
): Promise<number> {
  assertOutputsFit('the teacher', teacher, settings.batch);
  assertSameClasses(
    { owner: 'the teacher', classes: teacher.classes ?? teacher.config.classes },
    { owner: 'the data', classes: source.classes },
    'Give the data that it was opened for.',
  );
  const loader = trainingLoader(source, teacher.config, settings);
  const warn = (message: string) => onWarning?.(message);
  const cache = await TeacherCache.open(root, teacher, loader, { features: false, warn, mustWrite: true });
  await compileOutputs(teacher, settings.batch, (done, of) => onCompile?.(done, of));
  const total = settings.epochs * loader.steps;
  let computed = 0;
  for (let epoch = 0; epoch < settings.epochs; epoch++) {
    const teacherEpoch = await cache.epoch(epoch);
    let step = epoch * loader.steps;
    try {
      if (teacherEpoch.isKept) continue;
      for await (const batch of loader.batches(epoch)) {
        if (signal?.aborted) return computed;
        record(teacher, await teacherEpoch.step(batch), batch.images);
        onProgress?.(++step, total);
      }
      computed++;
    } finally {
      await teacherEpoch.close();
    }
  }
  return computed;
}

function record({ device, config }: Teacher, step: TeacherStep, pixels: Float32Array): void {
  const { width, height } = config;
  device.tidy(() => {
    step.begin();
    const batch = pixels.length / (3 * width * height);
    step.outputs(Pyramid.of(device.tensor(pixels), batch, 3, [{ width, height }]));
  });
  device.submit();
  step.end();
}
