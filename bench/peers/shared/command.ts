import { Command, InvalidArgumentError, Option } from 'commander';
import type { AdapterPreference } from '../../../src/gpu/adapter.js';
import { summarize } from '../../statistics.js';
import { offerAdapter } from './adapter.js';

/** Work that resolves when the device is idle again. */
export type Work = () => Promise<void>;

/** The rows of a peer by name; each prepares its inputs and gives the work that is timed. */
export type PeerRows = Record<string, () => Promise<Work>>;

/** A peer that has been started: its name with its version, and its rows. */
export interface Peer {
  peer: string;
  rows: PeerRows;
}

/** Runs before a timing: compiling and filling pools. */
const WARM_UP = 2;
/** Milliseconds after which a row's further runs are left out; there is always one to warm up and one that counts. */
const PATIENCE = 20_000;

/**
 * The command line of a peer: `--rows a,b --adapter software --runs 7`. Prints one JSON document,
 * `{"peer", "rows": {NAME: {"ms", "spread"}}}`, and leaves out rows that the peer does not have. All else goes to stderr.
 * Exits with 1 and one line where the peer cannot be opened.
 * @param open called with `navigator.gpu` in place; imports the library, and says its name and rows
 */
export async function runPeer(open: (adapter: AdapterPreference) => Promise<Peer>): Promise<void> {
  const options = new Command()
    .option('--rows <names>', 'rows to time, joined by commas; all unless given')
    .addOption(
      new Option('--adapter <name>').choices(['auto', 'hardware', 'software', 'embedded'] as const).default('auto'),
    )
    .option('--runs <count>', 'timed runs of each row', wholeNumber, 7)
    .parse()
    .opts<{ rows?: string; adapter: AdapterPreference; runs: number }>();
  // Libraries greet and warn on stdout, which is the document's.
  console.log = console.info = console.error;

  let opened: Peer;
  try {
    const adapter = await offerAdapter(options.adapter);
    opened = await open(options.adapter);
    console.error(`${opened.peer} on ${adapter}`);
  } catch (thrown) {
    console.error(`not available: ${(thrown as Error).message.split('\n')[0]}`);
    process.exit(1);
  }
  const { peer, rows } = opened;
  const names = options.rows?.split(',') ?? Object.keys(rows);
  const times: Record<string, Timing> = {};
  for (const name of names) {
    if (!Object.hasOwn(rows, name)) continue;
    try {
      const { cpu, ...timing } = await measure(await rows[name](), options.runs);
      times[name] = timing;
      const [ms, spread, processor] = [timing.ms, timing.spread, cpu].map((value) => value.toFixed(2));
      console.error(`${name}: ${ms} ms ± ${spread}, ${processor} ms of processor time`);
    } catch (thrown) {
      console.error(`${name}: left out, ${(thrown as Error).message}`);
    }
  }
  process.stdout.write(`${JSON.stringify({ peer, rows: times })}\n`, () => process.exit(0));
}

interface Timing {
  /** Median milliseconds. */
  ms: number;
  /** Half the interquartile range, milliseconds. */
  spread: number;
}

/**
 * Wall time of `work`, which itself waits for the device, and the process's mean time on processors: on a software adapter
 * that is the work done, which other programs on the machine hardly change.
 */
async function measure(work: Work, runs: number): Promise<Timing & { cpu: number }> {
  const end = performance.now() + PATIENCE;
  const goesOn = (done: number, wanted: number) => done === 0 || (done < wanted && performance.now() < end);
  for (let run = 0; goesOn(run, WARM_UP); run++) await work();
  const times: number[] = [];
  const before = process.cpuUsage();
  while (goesOn(times.length, runs)) {
    const start = performance.now();
    await work();
    times.push(performance.now() - start);
  }
  const { user, system } = process.cpuUsage(before);
  const { median: ms, spread } = summarize(times);
  return { ms, spread, cpu: (user + system) / 1e3 / times.length };
}

function wholeNumber(value: string): number {
  const number = Number(value);
  if (!Number.isInteger(number) || number < 1) throw new InvalidArgumentError('expected a positive whole number.');
  return number;
}
