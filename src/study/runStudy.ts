import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { version } from '../../package.json';
import { architectureOf } from '../detector/config.js';
import type { Detector } from '../detector/detector.js';
import { possibleChoices } from '../gpu/choices.js';
import type { Device } from '../tensor/device.js';
import { loadCheckpoint, restoreDetector } from '../train/checkpoint.js';
import { assertStepFits, sizesOf } from '../train/fits.js';
import type { TrainProgress } from '../train/progress.js';
import { removeLeftovers, writeFirst, writeWhole } from '../util/atomicFile.js';
import { type Claimant, claim, livingClaims } from '../util/claim.js';
import { DeviceError, DiskError, InputError } from '../util/error.js';
import { cacheSize, removeCaches } from './cache.js';
import { Estimator } from './estimate.js';
import { FILES, makeStudyFolder, pretty, refuseStrange, type StudyDescription } from './files.js';
import { type Grid, identify, type Job, planJobs, recordOf, type StudyData } from './jobs.js';
import type { Plan } from './plan.js';
import { finishedRun, runJob, teacherFolder } from './runJob.js';
import { readDescription, readRunRecord } from './stored.js';
import type { PlanRecord, StudyResults } from './types.js';
import { writeResults } from './writeResults.js';

/** Between looks at what another process works on. */
const POLL_MILLISECONDS = 2000;
/** Runs that may fail one after the other before the study gives up: the cause is then not the runs. */
const MAX_FAILURES = 2;

export type StudyEvent =
  /** Runs, those of all that are finished, and the largest that the folder of teachers' outputs becomes. */
  | { kind: 'begin'; teachers: number; students: number; finished: number; cacheBytes: number }
  | { kind: 'run' /** From 1. */; index: number; of: number; name: string; secondsLeft: number | null }
  | { kind: 'training'; progress: TrainProgress; secondsLeft: number | null }
  | { kind: 'failed'; name: string; message: string }
  | { kind: 'waiting'; name: string; heldBy: Claimant }
  /** What a person should know of the plan's recipes. */
  | { kind: 'notice'; message: string }
  /** The study's runs are on another adapter than this one: figures in one table that differ in rounding. */
  | { kind: 'adapter'; was: string; is: string };

export interface StudyOptions {
  device: Device;
  data: StudyData;
  plan: Plan;
  /** Several plans on the same data may have one folder: they share the runs that are the same. */
  folder: string;
  onEvent?: (event: StudyEvent) => void;
  /** Once aborted, the step under way is finished and the state saved. */
  signal?: AbortSignal;
}

export interface StudyOutcome {
  /** False where it was aborted: call it again to go on. */
  finished: boolean;
  /** Runs that failed, and how. */
  failures: Record<string, string>;
  /** Of every plan in the folder, as far as they are. */
  results: StudyResults;
}

/**
 * Trains and measures the runs of a plan that its folder does not hold yet, and writes the tables. It may be stopped at any
 * moment, even killed, and called again; it may be called in several processes at once: each run is one's alone.
 * @throws InputError for data that are not the folder's, detectors that are not possible, batches that are too large for the
 *   device, or teachers that do not fit
 * @throws DeviceError when one run after the other fails
 */
export async function runStudy(options: StudyOptions): Promise<StudyOutcome> {
  const { device, data, plan, folder, onEvent = () => {}, signal = new AbortController().signal } = options;
  const identity = await identify(data);
  const grid = await planJobs(plan, data, identity);
  for (const message of grid.notices) onEvent({ kind: 'notice', message });
  assertJobsFit(device, grid);
  const description = await describe(options, identity);
  await makeStudyFolder(folder);
  for (const part of [folder, join(folder, FILES.plans), join(folder, FILES.claims)]) await removeLeftovers(part);
  if (description.adapter.name !== device.adapter.name) {
    onEvent({ kind: 'adapter', was: description.adapter.name, is: device.adapter.name });
  }
  const record: PlanRecord = recordOf(plan, grid);
  await writeWhole(join(folder, FILES.plans, `${plan.name}.json`), pretty(record));

  const failures: Record<string, string> = {};
  const work = new Work({ device, data, folder, onEvent, signal, description, grid, failures });
  try {
    const finished = await work.run();
    return { finished, failures, results: await writeResults(folder) };
  } finally {
    work.dispose();
  }
}

/** Checks every batch before the first run, not hours later. @throws InputError that names the largest batch that fits */
function assertJobsFit(device: Device, { jobs }: Grid): void {
  const distinct = new Map(
    jobs.map((job) => [
      JSON.stringify([
        ...[job.detector, job.recipe, job.teacher?.detector],
        ...[job.settings.batch, job.settings.precision, job.settings.recompute],
      ]),
      job,
    ]),
  );
  for (const { detector, recipe, settings, teacher } of distinct.values()) {
    const teacherNet = teacher && {
      config: teacher.detector,
      featureChannels: architectureOf(teacher.detector).features,
    };
    const net = sizesOf(detector, settings.precision);
    assertStepFits(device, { net, batch: settings.batch, recipe, settings, teacher: teacherNet });
  }
}

/** Reads what the folder's first process fixed, or fixes it. */
async function describe({ device, data, folder }: StudyOptions, identity: string): Promise<StudyDescription> {
  const own: StudyDescription = {
    version,
    adapter: device.adapter,
    choices: device.choices,
    data: { name: data.name, identity, train: data.train.length, validation: data.validation.length },
  };
  const file = join(folder, FILES.description);
  await refuseStrange(folder);
  await writeFirst(file, pretty(own));
  const read = await readDescription(folder);
  if (read.data.identity !== identity) {
    throw new InputError(
      `${folder} holds a study of ${describeData(read)}; these are ${describeData(own)} with other annotations or images. Give another folder.`,
    );
  }
  return read;
}

function describeData({ data: { name, train, validation } }: StudyDescription): string {
  return `${name} (${train} and ${validation} images)`;
}

interface WorkContext {
  device: Device;
  data: StudyData;
  folder: string;
  onEvent: (event: StudyEvent) => void;
  signal: AbortSignal;
  description: StudyDescription;
  grid: Grid;
  failures: Record<string, string>;
}

/** One process's part of a study. */
class Work {
  readonly #context: WorkContext;
  readonly #estimator: Estimator;
  readonly #finished = new Set<string>();
  #failedInTurn = 0;
  /** The last one used: most runs of a study have the same. */
  #teacher: { hash: string; detector: Detector } | null = null;

  constructor(context: WorkContext) {
    this.#context = context;
    this.#estimator = new Estimator(context.data.train.length);
  }

  /** @returns false when it was aborted */
  async run(): Promise<boolean> {
    const { folder, grid, signal, onEvent, failures } = this.#context;
    const claims = join(folder, FILES.claims);
    let waitsFor = '';
    await this.#look();
    const cacheBytes = cacheSize(grid.jobs, this.#context.data.train.length);
    const students = new Set(grid.methods.flatMap(({ jobs }) => jobs.map(({ hash }) => hash))).size;
    const teachers = grid.jobs.length - students;
    onEvent({ kind: 'begin', teachers, students, finished: this.#finished.size, cacheBytes });
    for (;;) {
      await this.#look();
      const open = grid.jobs.filter((job) => !this.#finished.has(job.hash) && !this.#isLost(job));
      await this.#tidy(claims, open);
      if (open.length === 0) return true;
      let worked = false;
      let held: { name: string; heldBy: Claimant } | null = null;
      for (const job of open) {
        if (signal.aborted) return false;
        // In the order of the plan: its teacher may be another process's.
        if (job.teacher?.kind === 'run' && !this.#finished.has(job.teacher.hash)) continue;
        const claimed = await claim(claims, job.hash);
        if ('heldBy' in claimed) {
          held ??= { name: job.name, heldBy: claimed.heldBy };
          continue;
        }
        try {
          // Another process may have finished it since it was looked at.
          if ((await finishedRun(folder, job.hash)) === undefined) {
            const done = await this.#work(job, open);
            if (!done && failures[job.name] === undefined) return false;
          }
        } finally {
          await claimed.release();
        }
        worked = true;
        break;
      }
      if (worked) continue;
      if (held && held.name !== waitsFor) onEvent({ kind: 'waiting', ...held });
      waitsFor = held?.name ?? '';
      await pause(POLL_MILLISECONDS, undefined, { signal }).catch(() => {});
    }
  }

  dispose(): void {
    this.#teacher?.detector.dispose();
    this.#teacher = null;
  }

  /** Removes the teachers' outputs that nobody needs any more. What a process on another plan needs cannot be told. */
  async #tidy(claims: string, open: Job[]): Promise<void> {
    const { folder, grid } = this.#context;
    const own = new Set(grid.jobs.map(({ hash }) => hash));
    const claimed = [...(await livingClaims(claims)).keys()];
    if (claimed.every((hash) => own.has(hash))) await removeCaches(folder, grid.jobs, open);
  }

  /** It or its teacher has failed. */
  #isLost({ name, teacher }: Job): boolean {
    const { failures } = this.#context;
    return name in failures || (teacher?.kind === 'run' && teacher.name in failures);
  }

  /** Finds the runs that have been finished since. */
  async #look(): Promise<void> {
    const { folder, grid } = this.#context;
    for (const job of grid.jobs) {
      const run = this.#finished.has(job.hash) ? undefined : await finishedRun(folder, job.hash);
      if (run === undefined) continue;
      this.#finished.add(job.hash);
      this.#estimator.add(job, (await readRunRecord(run))?.seconds ?? 0);
    }
  }

  /** @returns false when it was aborted or has failed */
  async #work(job: Job, open: Job[]): Promise<boolean> {
    const { device, folder, grid, description, failures, onEvent } = this.#context;
    const { choices } = possibleChoices(device.gpu, description.choices);
    device.setChoices(choices);
    const others = open.filter((other) => other !== job);
    const index = grid.jobs.length - others.length;
    // This one included: its claim is made.
    const claimants = [...(await livingClaims(join(folder, FILES.claims))).values()];
    const processes = new Set(claimants.map(({ pid, host }) => `${pid} ${host}`)).size;
    const secondsLeft = this.#left(open, processes);
    onEvent({ kind: 'run', index, of: grid.jobs.length, name: job.name, secondsLeft });
    const onProgress = (progress: TrainProgress) => {
      let secondsLeft: number | null = null;
      if (progress.kind === 'step') {
        this.#estimator.observe(job, progress.imagesPerSecond);
        const left = this.#left(others, processes);
        secondsLeft = left === null ? null : left + progress.secondsLeft;
      }
      onEvent({ kind: 'training', progress, secondsLeft });
    };
    try {
      const teacher = await this.#teacherOf(job);
      const done = await runJob({ ...this.#context, onProgress }, job, teacher);
      this.#failedInTurn = 0;
      return done;
    } catch (error) {
      // A loss that became infinite is that run's; a disk that is full and a device that is gone are everybody's.
      const isRuns = error instanceof DeviceError && !(error instanceof DiskError || error.lost);
      if (!isRuns || ++this.#failedInTurn === MAX_FAILURES) throw error;
      failures[job.name] = error.message;
      onEvent({ kind: 'failed', name: job.name, message: error.message });
      return false;
    }
  }

  /** Seconds that the jobs take so many processes; null before anything has been measured. */
  #left(jobs: Job[], processes: number): number | null {
    let sum = 0;
    for (const job of jobs) {
      const seconds = this.#estimator.seconds(job);
      if (seconds === null) return null;
      sum += seconds;
    }
    return sum / processes;
  }

  async #teacherOf({ teacher, settings: { precision } }: Job): Promise<Detector | null> {
    if (!teacher) return null;
    if (this.#teacher?.hash === teacher.hash && this.#teacher.detector.precision === precision)
      return this.#teacher.detector;
    this.dispose();
    const { device, folder } = this.#context;
    const checkpoint = await loadCheckpoint(await teacherFolder(folder, teacher));
    this.#teacher = { hash: teacher.hash, detector: restoreDetector(device, checkpoint, 'average', precision) };
    return this.#teacher.detector;
  }
}
