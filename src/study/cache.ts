import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { architectureOf } from '../detector/config.js';
import { isCross, needsTeacher } from '../losses/recipe.js';
import { FILES } from './files.js';
import type { Job } from './jobs.js';

const BYTES_A_HALF = 2;

/** Where the outputs of a run's teacher are kept: with those for the other runs of its seed, which see the same images. */
export function cacheFolder(study: string, job: Job): string {
  return join(study, FILES.teacherCache, `seed-${job.settings.seed}`);
}

/** Whether a run's training can use a cache: with CrossKD the teacher's head computes in each step. */
export function isCached({ recipe }: Job): boolean {
  return !isCross(recipe);
}

/** Removes the caches of the seeds that no open run needs any more. */
export async function removeCaches(study: string, jobs: readonly Job[], open: readonly Job[]): Promise<void> {
  const foldersOf = (some: readonly Job[]) =>
    new Set(some.filter(({ teacher }) => teacher).map((job) => cacheFolder(study, job)));
  const needed = foldersOf(open);
  for (const folder of foldersOf(jobs)) {
    if (!needed.has(folder)) await rm(folder, { recursive: true, force: true });
  }
}

/** Bytes of the largest seed's cache: the outputs of each of its teachers for every image of every epoch. */
export function cacheSize(jobs: readonly Job[], images: number): number {
  const seeds = new Map<number, Map<string, number>>();
  for (const job of jobs.filter((job) => job.teacher && needsTeacher(job.recipe) && isCached(job))) {
    const { epochs, batch, augment, seed } = job.settings;
    const { classes, bins, strides, width, height } = job.detector;
    const locations = strides.reduce((sum, stride) => sum + (width / stride) * (height / stride), 0);
    const seen = epochs * Math.floor(images / batch) * batch;
    const parts = seeds.get(seed) ?? new Map<string, number>();
    seeds.set(seed, parts);
    const add = (part: string, channels: number) => {
      const key = [part, job.teacher?.hash, epochs, batch, augment].join(' ');
      parts.set(key, BYTES_A_HALF * channels * locations * seen);
    };
    add('logits', classes + 4 * bins);
    if (job.recipe.imitation.weight > 0 && job.teacher) add('features', architectureOf(job.teacher.detector).features);
  }
  const sums = [...seeds.values()].map((parts) => [...parts.values()].reduce((a, b) => a + b, 0));
  return Math.max(0, ...sums);
}
