import { join, relative, resolve } from 'node:path';
import type { Detector } from '../detector/detector.js';
import type { Device } from '../tensor/device.js';
import { loadCheckpoint, restoreDetector } from '../train/checkpoint.js';
import { MEASURES, measureRun, writeMeasures } from '../train/measures.js';
import type { TrainProgress } from '../train/progress.js';
import { readLog } from '../train/runFolder.js';
import { resumeTraining, train } from '../train/train.js';
import { writeWhole } from '../util/atomicFile.js';
import { InputError } from '../util/error.js';
import { exists } from '../util/folder.js';
import { cacheFolder, isCached } from './cache.js';
import { FILES, findRun, pretty } from './files.js';
import { checkpointOf, type GivenTeacher, type Job, type StudyData } from './jobs.js';

/** How a finished run came about: `study-run.json` in its folder, written last. */
export interface RunRecord {
  name: string;
  hash: string;
  size: string;
  recipe: string;
  seed: number;
  /** The folder of the teacher that it learned from or is compared with; of the study's own within its folder. */
  teacher: string | null;
  /** Of its epochs and measures; what was lost when a process was killed is not counted. */
  seconds: number;
}

export interface JobContext {
  device: Device;
  data: StudyData;
  /** Of the study. */
  folder: string;
  signal: AbortSignal;
  onProgress: (progress: TrainProgress) => void;
}

/** The folder of a run that has been trained and measured; undefined while it has not. */
export async function finishedRun(study: string, hash: string): Promise<string | undefined> {
  const folder = await findRun(study, hash);
  if (folder === undefined || !(await exists(join(folder, FILES.run)))) return undefined;
  return (await exists(join(folder, MEASURES))) ? folder : undefined;
}

/**
 * Trains and measures a run, or goes on with it.
 * @param teacher on the device; null where the job has none
 * @returns false when it was aborted: the run goes on from its checkpoint
 */
export async function runJob(context: JobContext, job: Job, teacher: Detector | null): Promise<boolean> {
  const { device, data, folder: study, signal, onProgress } = context;
  const folder = (await findRun(study, job.hash)) ?? join(study, FILES.runs, job.name);
  const training = {
    device,
    source: data.train,
    ...(job.settings.evaluateEvery > 0 && { validation: data.validation }),
    ...(teacher && { teacher, ...(isCached(job) && { teacherCache: cacheFolder(study, job) }) }),
    folder,
    origin: {
      data: data.path,
      split: 'train' as const,
      ...(job.teacher && { teacherRun: resolve(await teacherFolder(study, job.teacher)) }),
    },
    signal,
    onProgress,
  };
  const { detector: config, recipe, settings } = job;
  if (await exists(checkpointOf(folder))) {
    await resumeTraining(training);
  } else {
    await train({ ...training, detector: config, recipe, settings });
  }
  if (signal.aborted) return false;

  const started = performance.now();
  const detector = restoreDetector(device, await loadCheckpoint(folder), 'average');
  try {
    const measures = await measureRun(detector, {
      source: data.validation,
      split: 'val',
      batch: settings.batch,
      recipe,
      ...(teacher && { teacher, teacherCache: cacheFolder(study, job) }),
      signal,
      onCompile: (done, of) => onProgress({ kind: 'compilation', done, of }),
      onProgress: (done, of) => onProgress({ kind: 'evaluation', done, of }),
    });
    if (!measures) return false;
    const epochs = (await readLog(folder)).reduce((sum, { seconds }) => sum + seconds, 0);
    const record: RunRecord = {
      name: job.name,
      hash: job.hash,
      size: config.size,
      recipe: recipe.name,
      seed: settings.seed,
      teacher: job.teacher && relative(study, await teacherFolder(study, job.teacher)),
      seconds: epochs + (performance.now() - started) / 1000,
    };
    await writeMeasures(folder, measures);
    // Last: its presence says that the run is finished.
    await writeWhole(join(folder, FILES.run), pretty(record));
    return true;
  } finally {
    detector.dispose();
  }
}

/** The folder of a teacher. @throws InputError when the study has not trained it yet */
export async function teacherFolder(study: string, teacher: Job | GivenTeacher): Promise<string> {
  if (teacher.kind === 'given') return teacher.folder;
  const folder = await findRun(study, teacher.hash);
  if (folder === undefined) throw new InputError(`teacher ${teacher.name}: ${study} does not hold it; was it deleted?`);
  return folder;
}
