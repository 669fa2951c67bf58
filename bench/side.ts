/**
 * `node dist/bench/side.js --adapter software`: one side of a comparison of two commits. bench/against.js builds this file in both
 * checkouts, so it imports only what the bench of an older commit has, too. It speaks as bench/peers/index.ts says.
 */
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import type { AdapterPreference } from '../src/gpu/adapter.js';
import { type Device, openDevice } from '../src/tensor/device.js';
import type { Work } from './measure.js';
import { ROWS } from './rows/index.js';

/** Milliseconds of a turn at least: waiting for the queue, some tenths of one, is no part of the difference. */
const INTERVAL = 50;
const WARM_UPS = 3;

const { adapter = 'auto' } = parseArgs({ options: { adapter: { type: 'string' } } }).values;
const open = () => openDevice({ adapter: adapter as AdapterPreference, tune: false });
const answer = (document: object) => console.log(JSON.stringify(document));
// First calls have processes of their own.
const rows = new Map(ROWS.flatMap((row) => ('prepare' in row ? [[row.name, row] as const] : [])));

const first = await open();
answer({ peer: first.adapter.name, rows: [...rows.keys()] });
await first.close();

let prepared = '';
let device: Device | undefined;
let work: Work = { record: () => {} };
let repeats = 1;
for await (const name of createInterface({ input: process.stdin })) {
  try {
    if (name !== prepared) await prepare(name);
    const { wallMs, cpuMs } = await turn(repeats);
    answer({ ms: device?.adapter.kind === 'hardware' ? wallMs : cpuMs });
  } catch (thrown) {
    answer({ error: (thrown as Error).message });
  }
}
process.exit(0);

/** Gives the row a device of its own, so that it finds nothing that another left. */
async function prepare(name: string): Promise<void> {
  await device?.close();
  device = await open();
  const row = rows.get(name);
  if (!row) throw new Error(`no row is named ${name}`);
  work = await row.prepare(device);
  prepared = name;
  const warm: number[] = [];
  while (warm.length < WARM_UPS) warm.push((await turn(1)).wallMs);
  repeats = Math.max(1, Math.ceil(INTERVAL / Math.min(...warm)));
}

/** Milliseconds of one of so many runs: by the wall, and of the process's CPU time. */
async function turn(runs: number): Promise<{ wallMs: number; cpuMs: number }> {
  await device?.settled();
  const used = process.cpuUsage();
  const start = performance.now();
  for (let run = 0; run < runs; run++) device?.tidy(() => void work.record());
  await device?.settled();
  const wallMs = (performance.now() - start) / runs;
  const { user, system } = process.cpuUsage(used);
  await work.between?.();
  return { wallMs, cpuMs: (user + system) / 1000 / runs };
}
