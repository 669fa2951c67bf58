import { type Command, InvalidArgumentError } from 'commander';
import { READING } from '../study/columns.js';
import { curveCells, tableCells } from '../study/markdown.js';
import { readPlan } from '../study/plan.js';
import { shippedPlans } from '../study/planFile.js';
import { collectResults } from '../study/results.js';
import { runStudy, type StudyEvent } from '../study/runStudy.js';
import type { StudyResults } from '../study/types.js';
import { shortened } from '../util/readable.js';
import { tell } from '../util/terminal.js';
import { type AdapterOptions, addDeviceOptions, type Outcome, prints, withDeviceAgain } from './command.js';
import { addDataOptions, DATA_HELP, type DataOptions, openData, openFitting } from './data.js';
import { type Interruption, interruption } from './interruption.js';
import { parsed, real } from './numbers.js';
import { duration, progressReporter } from './progress.js';
import { table } from './table.js';

/** Timers count milliseconds in 31 bits. */
const MAX_HOURS = 500;

interface StudyCommandOptions extends AdapterOptions, DataOptions {
  list?: boolean;
  out?: string;
  results?: string;
  seeds?: number[];
  epochs?: number;
  valImages?: number;
  maxHours?: number;
}

/** `edgewise study PLAN DATA --out STUDY`, `edgewise study --results STUDY` and `edgewise study --list` */
export function addStudy(program: Command): void {
  const command = program
    .command('study')
    .description('train and compare a grid of recipes and seeds; a stopped study goes on where it was')
    .argument('[plan]', 'a file, or the name of a plan that comes with the package: those of the paper’s tables')
    .argument('[data]', DATA_HELP)
    .option('--out <folder>', 'where its runs and tables go; plans on the same data may share one, and its runs')
    .option('--results <folder>', 'instead of PLAN and DATA: print the tables of a study as far as it is')
    .option('--list', 'instead of PLAN and DATA: the plans that come with the package')
    .option('--seeds <list>', 'such as 0,1,2, instead of the plan’s', seedList)
    .option('--epochs <n>', 'instead of the plan’s', parsed.epochs)
    .option('--images <n>', 'how many images of "shapes" to train on', parsed.images)
    .option('--val-images <n>', 'how many images of "shapes" to evaluate on', parsed.images)
    .option('--max-hours <x>', 'stop after so long; run the command again to go on', real(0, MAX_HOURS));
  prints(addDeviceOptions(addDataOptions(command)), study);
}

async function study(
  file: string | undefined,
  dataName: string | undefined,
  options: StudyCommandOptions,
  command: Command,
): Promise<Outcome> {
  const { out, results, seeds, epochs, valImages, list } = options;
  if (list && [file, out, results].every((given) => given === undefined)) return listPlans();
  if (results !== undefined && file === undefined && out === undefined && !list) {
    const found = await collectResults(results);
    return { data: found, text: describe(found) };
  }
  if (file === undefined || dataName === undefined || out === undefined || results !== undefined || list) {
    return command.error('error: give PLAN, DATA and --out, or --results or --list alone');
  }
  const plan = await readPlan(file, { ...(seeds && { seeds }), ...(epochs !== undefined && { epochs }) });
  const train = await openData(dataName, 'train', options);
  const validation = await openFitting(train, 'val', { ...options, images: valImages });
  const data = { ...train, train: train.source, validation: validation.source };
  return withDeviceAgain(options, async (device) => {
    const stop = stopper(options.maxHours);
    const display = new Display();
    try {
      const {
        finished,
        failures,
        results: found,
      } = await runStudy({
        device,
        data,
        plan,
        folder: out,
        signal: stop.signal,
        onEvent: (event) => display.show(event),
      });
      const faults = Object.entries(failures).map(([name, message]) => `Failed: ${name}: ${message}`);
      const ending = finished ? [] : [`Stopped: give the same command again to go on in ${out}.`];
      return {
        data: { finished, failures, ...found },
        text: [describe(found, plan.name), ...faults, ...ending].join('\n\n'),
        failed: faults.length > 0,
      };
    } finally {
      display.stop();
      stop.dispose();
    }
  });
}

/** The plans that come with the package, and what is in them. */
async function listPlans(): Promise<Outcome> {
  const plans = await Promise.all((await shippedPlans()).map((name) => readPlan(name)));
  const data = plans.map(({ name, methods, seeds, tables }) => ({
    name,
    methods: methods.map((method) => method.name),
    seeds,
    tables: tables.map(({ title }) => title),
  }));
  const rows = data.map(({ name, methods, seeds, tables }) => [
    name,
    `${methods.length} × ${seeds.length}`,
    shortened(tables.join('; '), 90) || 'what the others share',
  ]);
  return { data: { plans: data }, text: table([['plan', 'students', 'tables'], ...rows]) };
}

/** Aborted by a signal that asks the process to end, and when the time is over. */
function stopper(maxHours: number | undefined): Interruption {
  const { signal, dispose } = interruption();
  if (maxHours === undefined) return { signal, dispose };
  return { signal: AbortSignal.any([signal, AbortSignal.timeout(maxHours * 3_600_000)]), dispose };
}

/** Shows on stderr how a study gets on. */
class Display {
  #heading = '';
  #left = '';
  readonly #reporter = progressReporter(process.stderr, () => `${this.#heading}${this.#left}  `);

  show(event: StudyEvent): void {
    if (event.kind === 'training') {
      if (event.secondsLeft !== null) this.#left = `, ${duration(event.secondsLeft)} left`;
      this.#reporter.report(event.progress);
      return;
    }
    this.#reporter.stop();
    if (event.kind === 'begin') {
      const { teachers, students, finished, cacheBytes } = event;
      const disk = `${(cacheBytes / 1e9).toFixed(2)} GB of disk for teachers' outputs while they are needed`;
      const kinds = [counted(teachers, 'teacher'), counted(students, 'student')].filter((kind) => kind !== '');
      tell(
        `${counted(teachers + students, 'run')} (${kinds.join(', ')}), ${finished} of them finished${cacheBytes > 0 ? `; ${disk}` : ''}`,
      );
    } else if (event.kind === 'run') {
      this.#heading = `run ${event.index}/${event.of}`;
      this.#left = event.secondsLeft === null ? '' : `, ${duration(event.secondsLeft)} left`;
      const estimate =
        event.secondsLeft === null ? 'its speed will tell the time left' : `about ${duration(event.secondsLeft)} left`;
      tell('');
      tell(`run ${event.index} of ${event.of}: ${event.name} (${estimate})`);
    } else if (event.kind === 'failed') {
      tell(`${event.name} failed, the others go on: ${event.message}`);
    } else if (event.kind === 'waiting') {
      const { pid, host, since } = event.heldBy;
      tell(`waiting for ${event.name}: process ${pid} on ${host} has been working on it since ${since}`);
    } else if (event.kind === 'notice') {
      tell(event.message);
    } else {
      tell(`the study began on ${event.was}, this is ${event.is}: its figures may differ in rounding`);
    }
  }

  stop(): void {
    this.#reporter.stop();
  }
}

function counted(n: number, noun: string): string {
  return n === 0 ? '' : `${n} ${noun}${n === 1 ? '' : 's'}`;
}

/** @param only the plan to show; all where it is left out */
function describe({ plans, hours, students, study: { data, adapter } }: StudyResults, only?: string): string {
  const shown = plans.filter(({ name }) => only === undefined || name === only);
  const tables = shown.flatMap((plan) => [
    ...plan.tables.map((one) => `${one.title} (plan ${plan.name})\n${table(tableCells(one))}`),
    ...plan.curves.map((one) => `${one.title} (plan ${plan.name})\n${table(curveCells(one))}`),
  ]);
  return [
    ...tables,
    READING.join('\n'),
    `${data.name}, ${adapter.name}: ${students.finished} of ${students.of} students finished, ${hours.toFixed(1)} hours in all.`,
  ].join('\n\n');
}

function seedList(text: string): number[] {
  const seeds = parsed.seeds(text);
  if (new Set(seeds).size < seeds.length) throw new InvalidArgumentError('Expected each seed once.');
  return seeds;
}
