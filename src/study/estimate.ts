import type { DetectorSize } from '../detector/config.js';
import { needsTeacher } from '../losses/recipe.js';
import type { Job } from './jobs.js';

/** GFLOP of a forward pass of 320×256; a training step takes three times that. */
const FORWARD: Record<DetectorSize, number> = { tiny: 0.1, small: 0.3, base: 1 };
/** Losses, optimizer and the fixed cost of an image, in the same unit; from trainings on llvmpipe on two cores. */
const BESIDES = 0.25;

/** Tells how long runs take from how long others took. */
export class Estimator {
  readonly #measured = new Map<string, { seconds: number; images: number }>();
  readonly #images: number;

  /** @param images to train on */
  constructor(images: number) {
    this.#images = images;
  }

  /** Adds a finished run. */
  add(job: Job, seconds: number): void {
    const kind = kindOf(job);
    const { seconds: before, images } = this.#measured.get(kind) ?? { seconds: 0, images: 0 };
    this.#measured.set(kind, { seconds: before + seconds, images: images + this.#imagesOf(job) });
  }

  /** The speed of an unfinished run, used until a run of its kind is finished. */
  observe(job: Job, imagesPerSecond: number): void {
    const kind = kindOf(job);
    const known = this.#measured.get(kind);
    if (!known || known.images === 0) this.#measured.set(kind, { seconds: 1 / imagesPerSecond, images: 0 });
  }

  /** Seconds of a run: of its kind, or else by its cost beside all that have been measured; null before any has. */
  seconds(job: Job): number | null {
    const known = this.#measured.get(kindOf(job));
    if (known) return (this.#imagesOf(job) * known.seconds) / Math.max(1, known.images);
    const scales = [...this.#measured].map(
      ([kind, { seconds, images }]) => seconds / Math.max(1, images) / costOf(kind),
    );
    if (scales.length === 0) return null;
    return this.#imagesOf(job) * costOf(kindOf(job)) * (scales.reduce((a, b) => a + b) / scales.length);
  }

  #imagesOf({ settings: { epochs } }: Job): number {
    return epochs * this.#images;
  }
}

/** Runs of one kind take about the same time an image. */
function kindOf({ detector, teacher, recipe }: Job): string {
  const teacherSize = teacher && needsTeacher(recipe) ? teacher.detector.size : '';
  const imitates = recipe.imitation.weight > 0 ? 'imitation' : '';
  return [detector.size, teacherSize, imitates].join(' ');
}

function costOf(kind: string): number {
  const [own, teacherSize] = kind.split(' ') as [DetectorSize, DetectorSize | ''];
  return BESIDES + 3 * FORWARD[own] + (teacherSize ? FORWARD[teacherSize] : 0);
}
