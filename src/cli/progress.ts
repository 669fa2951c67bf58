import { SingleBar } from 'cli-progress';
import { TERM_NAMES } from '../losses/headTerms.js';
import type { TrainProgress } from '../train/progress.js';
import { percent } from '../util/figures.js';
import { readable } from '../util/readable.js';

/** Shows how a training gets on. */
export interface ProgressReporter {
  report(progress: TrainProgress): void;
  /** Clears the bar; call it before anything else is written, and at the end. */
  stop(): void;
}

/** Where there is no terminal, seconds between two lines: a twentieth of the time so far, within these bounds. */
const QUIET = { min: 5, max: 60 };

/**
 * On a terminal a bar with images a second, loss terms and time left; elsewhere a line every few seconds. At the end of an
 * epoch a line that stays.
 * @param heading stands before each bar and line
 */
export function progressReporter(
  stream: NodeJS.WriteStream = process.stderr,
  heading: () => string = () => '',
): ProgressReporter {
  let bar: SingleBar | null = null;
  const started = performance.now();
  let nextLine = started;
  const line = (text: string) => {
    const now = performance.now();
    if (now < nextLine) return;
    nextLine = now + 1000 * Math.min(Math.max((now - started) / 20_000, QUIET.min), QUIET.max);
    stream.write(`${readable(heading() + text)}\n`);
  };
  const stop = () => {
    bar?.stop();
    bar = null;
  };
  const show = (format: string, done: number, of: number, values: object) => {
    const payload = { ...values, heading: heading() };
    if (!bar) {
      bar = new SingleBar({
        format: `{heading}${format}`,
        stream,
        clearOnComplete: true,
        hideCursor: true,
        barsize: 24,
        fps: 5,
      });
      bar.start(of, done, payload);
    }
    bar.update(done, payload);
  };
  return {
    report(progress) {
      if (progress.kind === 'epoch') {
        stop();
        stream.write(`${readable(heading() + epochLine(progress))}\n`);
      } else if (progress.kind === 'warning') {
        stop();
        stream.write(`${readable(progress.message)}\n`);
      } else if (progress.kind === 'compilation') {
        const { done, of } = progress;
        if (!stream.isTTY) return done < of ? line(`compiling kernels (${done} of ${of})`) : undefined;
        show('compiling kernels ({value} of {total}) {bar}', done, of, {});
        if (done === of) stop();
      } else if (progress.kind === 'evaluation') {
        const { done, of } = progress;
        if (!stream.isTTY) return line(`evaluation ${done}/${of} images`);
        show('evaluation {bar} {value}/{total} images', done, of, {});
        if (done === of) stop();
      } else {
        const { epochs, step, steps, secondsLeft } = progress;
        const epoch = epochOf(progress);
        const rate = `${progress.imagesPerSecond.toFixed(1)} images/s`;
        const loss = `loss ${progress.loss.toFixed(3)} (${describeTerms(progress.terms)})`;
        const left = `${duration(secondsLeft)} left`;
        if (!stream.isTTY) return line([epoch, `${step}/${steps} steps`, rate, loss, left].join('  '));
        show('{epoch} {bar} {value}/{total} steps  {rate}  {loss}  {left}', step, steps, { epoch, rate, loss, left });
        if (step % (steps / epochs) === 0) stop();
      }
    },
    stop,
  };
}

/** The same of kernels alone, for commands that have no other progress. */
export function compilationLines(): (done: number, of: number) => void {
  const { report } = progressReporter();
  return (done, of) => report({ kind: 'compilation', done, of });
}

function epochLine(progress: Extract<TrainProgress, { kind: 'epoch' }>): string {
  const { loss, terms, imagesPerSecond, seconds, evaluation } = progress;
  const figures = evaluation ? ['AP', 'AP50', 'AP75'].map((name) => `${name} ${percent(evaluation[name])}`) : [];
  return [
    epochOf(progress),
    `loss ${loss.toFixed(3)} (${describeTerms(terms)})`,
    `${imagesPerSecond.toFixed(1)} images/s`,
    duration(seconds),
    ...figures,
  ].join('  ');
}

/** `epoch 3/12`, and who assigns where that changes in the training. */
function epochOf({ epoch, epochs, assigner }: { epoch: number; epochs: number; assigner?: string }): string {
  return `epoch ${epoch}/${epochs}${assigner === undefined ? '' : `  ${assigner}`}`;
}

/** The terms that are not zero, without the prefix that all of them share. */
function describeTerms(terms: Record<string, number>): string {
  return TERM_NAMES.filter((name) => terms[name] !== 0)
    .map((name) => `${name.replace('loss_', '')} ${terms[name].toFixed(3)}`)
    .join(', ');
}

/** 75 → `1:15`, 3700 → `1:01:40` */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const parts = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const [hours, minutes, rest] = parts.map((part) => String(part).padStart(2, '0'));
  return hours === '00' ? `${Number(minutes)}:${rest}` : `${Number(hours)}:${minutes}:${rest}`;
}
