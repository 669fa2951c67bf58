/** Other libraries that do the same work, each by a program of its own. */
import { spawn } from 'node:child_process';
import type { AdapterDescription } from '../../src/tensor/device.js';

export interface Peer {
  /** Short, as in `--json` and the table. */
  name: string;
  command: readonly [string, ...string[]];
}

/** Run from the package's folder; scripts/bench.js bundles the TypeScript ones. */
export const PEERS: readonly Peer[] = [
  { name: 'tfjs', command: [process.execPath, 'dist/bench/peers/tfjs.js'] },
  { name: 'jax', command: [process.execPath, 'dist/bench/peers/jax.js'] },
  { name: 'torch', command: ['python3', 'bench/peers/torch_losses.py'] },
];

/** What a peer prints: one JSON document. */
export interface PeerTimes {
  /** Library, version and backend. */
  peer: string;
  /** Of the rows that it knows: median and spread in milliseconds, by the wall. */
  rows: Record<string, { ms: number; spread: number }>;
}

/** The slowest peer takes some seconds a run. */
const TIME_LIMIT = 20 * 60_000;

/**
 * Lets a peer measure rows: `COMMAND --rows a,b,c --adapter KIND --runs N`. What it writes to stderr is passed on.
 * @returns its times, or why there are none: it is not installed, failed, or took too long
 */
export async function runPeer(
  { command: [program, ...given] }: Peer,
  { rows, adapter, runs }: { rows: readonly string[]; adapter: AdapterDescription['kind']; runs: number },
): Promise<PeerTimes | string> {
  const args = [...given, '--rows', rows.join(), '--adapter', adapter, '--runs', String(runs)];
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'], timeout: TIME_LIMIT });
  let printed = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    printed += text;
  });
  const ended = await new Promise<string>((resolve) => {
    child.on('error', (error) => resolve(error.message));
    child.on('close', (code, signal) => resolve(code === 0 ? '' : `it ended with ${signal ?? `exit code ${code}`}`));
  });
  return ended || parseTimes(printed);
}

/** @returns the document, or what is wrong with it */
export function parseTimes(printed: string): PeerTimes | string {
  let document: unknown;
  try {
    document = JSON.parse(printed);
  } catch {
    return `it printed no JSON document but ${JSON.stringify(printed.slice(0, 80))}`;
  }
  const { peer, rows } = (document ?? {}) as Partial<PeerTimes>;
  const isTimes =
    typeof peer === 'string' &&
    typeof rows === 'object' &&
    rows !== null &&
    Object.values(rows).every((row) => Number.isFinite(row?.ms) && Number.isFinite(row.spread));
  return isTimes ? { peer, rows } : 'its document is not {"peer", "rows": {NAME: {"ms", "spread"}}}';
}
