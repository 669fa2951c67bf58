/**
 * Do trainings survive? Signals end commands at random moments, and disks are full: work goes on with the same bits, nothing is
 * left over or lost, and each fault is one line. Disks are tried where this process may mount one.
 *
 *   npm run faults                            30 commands that signals end, 24 that a full disk does
 *   npm run faults -- --kills 5 --full 0      fewer
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { canMount, tryFullDisk } from './faults/fullDisk.js';
import { tryKills } from './faults/kills.js';
import { assert, Fault, run } from './faults/process.js';
import { prepareWork } from './faults/work.js';

/** In a name space of its own a process may mount disks, and they go with it. */
const INSIDE = 'EDGEWISE_FAULTS_INSIDE';
if (process.env[INSIDE] === undefined) {
  const again = [process.execPath, ...process.argv.slice(1)];
  for (const options of [['--mount'], ['--mount', '--map-root-user']]) {
    if (spawnSync('unshare', [...options, 'true']).status !== 0) continue;
    const env = { ...process.env, [INSIDE]: '1' };
    process.exit(spawnSync('unshare', [...options, ...again], { stdio: 'inherit', env }).status ?? 1);
  }
}

const { values } = parseArgs({
  options: { kills: { type: 'string', default: '30' }, full: { type: 'string', default: '24' } },
});
const [kills, full] = [Number(values.kills), Number(values.full)];
const folder = mkdtempSync(join(tmpdir(), 'edgewise-faults-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => process.exit(1));
const tell = (/** @type {string} */ line) => console.log(line);

try {
  const works = [];
  for (const work of await prepareWork(folder)) {
    const straight = join(folder, `straight-${works.length}`);
    const { code, seconds, output } = await run(work.begin(straight));
    assert(code === 0, output);
    works.push({ work, straight, seconds });
  }
  const killed = await tryKills({ works, folder, kills }, tell);
  const disks = canMount(folder);
  const stopped = disks ? await tryFullDisk({ works, folder, full }, tell) : 0;
  if (kills > 0)
    console.log(`\nSignals ended ${killed} commands: each went on and ended with the same bits, nothing left over.`);
  if (disks && full > 0)
    console.log(`A full disk stopped ${stopped} commands: one line each, earlier files whole, no stack.`);
  if (!disks) console.log('Full disks were not tried: this process may not mount one.');
} catch (error) {
  if (!(error instanceof Fault)) throw error;
  console.error(`\nFAULT: ${error.message}`);
  process.exit(1);
}
