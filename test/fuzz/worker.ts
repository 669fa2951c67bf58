import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import { KINDS } from './kinds.js';
import { tryCase } from './tryCase.js';

// The worker of scripts/fuzz.js: tells of each case before and after it, so that one that hangs is known.
const { seed, from, cases } = workerData as { seed: number; from: number; cases: number };
const root = mkdtempSync(join(tmpdir(), 'edgewise-fuzz-'));
for (let number = from; number < cases; number++) {
  const kind = KINDS[number % KINDS.length];
  parentPort?.postMessage({ number, name: kind.name });
  parentPort?.postMessage({ number, name: kind.name, outcome: await tryCase(kind, seed, number, root) });
}
rmSync(root, { recursive: true });
