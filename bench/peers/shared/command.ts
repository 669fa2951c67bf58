import { createInterface } from 'node:readline';
import { Command, Option } from 'commander';
import type { AdapterPreference } from '../../../src/gpu/adapter.js';
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

/** Short work is run several times a turn, so that this takes at least so many milliseconds; as edgewise's. */
const INTERVAL = 5;

/**
 * The command line of a peer, `--adapter software`: what bench/peers/index.ts says, a line of JSON for each line on stdin. All else
 * goes to stderr. Exits with 1 and one line where the peer cannot be opened.
 * @param open called with `navigator.gpu` in place; imports the library, and says its name and rows
 */
export async function servePeer(open: (adapter: AdapterPreference) => Promise<Peer>): Promise<void> {
  const { adapter } = new Command()
    .addOption(
      new Option('--adapter <name>').choices(['auto', 'hardware', 'software', 'embedded'] as const).default('auto'),
    )
    .parse()
    .opts<{ adapter: AdapterPreference }>();
  // Libraries greet and warn on stdout, which is the answers'.
  console.log = console.info = console.error;
  const answer = (document: object) => process.stdout.write(`${JSON.stringify(document)}\n`);

  let opened: Peer;
  try {
    const found = await offerAdapter(adapter);
    opened = await open(adapter);
    console.error(`${opened.peer} on ${found}`);
  } catch (thrown) {
    console.error(`not available: ${(thrown as Error).message.split('\n')[0]}`);
    process.exit(1);
  }
  const { peer, rows } = opened;
  answer({ peer, rows: Object.keys(rows) });
  let prepared = '';
  let work: Work = async () => {};
  for await (const name of createInterface({ input: process.stdin })) {
    try {
      if (name !== prepared) {
        work = await rows[name]();
        prepared = name;
      }
      answer({ ms: await turn(work) });
    } catch (thrown) {
      answer({ error: (thrown as Error).message });
    }
  }
  process.exit(0);
}

/** Milliseconds of a run by the wall; the work itself waits for the device. */
async function turn(work: Work): Promise<number> {
  const start = performance.now();
  let runs = 0;
  let passed: number;
  do {
    await work();
    runs++;
    passed = performance.now() - start;
  } while (passed < INTERVAL);
  return passed / runs;
}
