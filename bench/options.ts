import { Command, InvalidArgumentError, Option } from 'commander';
import type { AdapterPreference } from '../src/gpu/adapter.js';
import type { Choices } from '../src/gpu/choices.js';
import type { FirstCallRow } from './firstCall.js';
import { FULL, type Plan, QUICK } from './measure.js';
import type { Row } from './row.js';

type AnyRow = Row | FirstCallRow;

/** What a run of the bench is asked to do. */
export interface BenchOptions {
  rows: AnyRow[];
  plan: Plan;
  adapter: AdapterPreference;
  /** Whether to measure the other libraries too. */
  peers: boolean;
  /** Whether to time each kernel by itself. */
  kernels: boolean;
  /** Whether to measure how the head loss scales. */
  curves: boolean;
  /** Whether the README's table is to be replaced. */
  readme: boolean;
  json: boolean;
  /** Variants of kernels; default: the adapter's. */
  choices?: Choices;
  /** Variants that a GPU has by default, in their place. */
  gpuChoices?: boolean;
  /** An ONNX file, for the rows of a graph. */
  model?: string;
}

const ADAPTERS: readonly AdapterPreference[] = ['auto', 'hardware', 'software', 'embedded'];

/**
 * Reads the command line.
 * @param args what comes after `npm run bench --`
 * @throws CommanderError with exit code 1 for a wrong name or option, 0 for `--help`; commander has written the text
 */
export function parseOptions(args: readonly string[], all: readonly AnyRow[]): BenchOptions {
  const command = new Command('npm run bench --')
    .description('Speed of the kernels on this machine, each beside a plain copy of the same bytes.')
    .argument('[names...]', 'rows to measure; default: all of a quick or a full run', (name: string) => {
      if (all.some((row) => namesOf(row).includes(name))) return name;
      throw new InvalidArgumentError(`Rows are ${all.map((row) => row.name).join(', ')}.`);
    })
    .option('--quick', 'few measurements of the main rows, under a minute on a software adapter (default)')
    .addOption(new Option('--full', 'more measurements, and all rows').conflicts('quick'))
    .addOption(new Option('--adapter <kind>', 'what to run on').choices(ADAPTERS).default('auto'))
    .option('--peers', 'measure the same work in other libraries and print how many times as long they take', false)
    .option('--kernels', 'time each kernel of the rows by itself, by timestamps', false)
    .option('--gpu-choices', "take a GPU's default variants of kernels: counts its dispatches on any adapter", false)
    .option('--curves', 'measure how the head loss scales, and draw bench/results/; minutes', false)
    .option('--readme', "replace the table in README.md with this run's", false)
    .option('--model <file>', 'the ONNX model of the rows train-step-nanodet')
    .option('--json', 'print one JSON document instead of the table', false)
    .addHelpText('after', `\nRows:\n${all.map(describe).join('\n')}`)
    .exitOverride();
  command.parse(args, { from: 'user' });
  const { full = false, quick: _, ...options } = command.opts<Omit<BenchOptions, 'rows' | 'plan'> & RunLength>();
  const names = new Set(command.args);
  const rows = all.filter((row) =>
    names.size > 0 ? namesOf(row).some((name) => names.has(name)) : full || !row.onlyFull,
  );
  return { ...options, rows, plan: full ? FULL : QUICK };
}

interface RunLength {
  quick?: boolean;
  full?: boolean;
}

/** A row's own name, and that of its group. */
function namesOf(row: AnyRow): string[] {
  return 'group' in row && row.group ? [row.name, row.group] : [row.name];
}

function describe({ name, what, onlyFull }: AnyRow): string {
  return `  ${name.padEnd(30)} ${what}${onlyFull ? ' (--full)' : ''}`;
}
