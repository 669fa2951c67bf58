import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

/** The launcher: that of `EDGEWISE_MPIRUN`, such as mpirun.mpich, or Open MPI's or MPICH's first in `PATH`. */
const LAUNCHER = process.env.EDGEWISE_MPIRUN || 'mpirun';
let options: readonly string[] = [];

/** Why nothing can be run by several processes here; empty where it can. */
export const lacksMpi: string = (() => {
  try {
    createRequire(import.meta.url).resolve('koffi');
  } catch {
    return ' (left out: the npm package koffi is not installed)';
  }
  try {
    const version = execFileSync(LAUNCHER, ['--version'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
    if (version.includes('Open MPI')) options = ['--allow-run-as-root', '--oversubscribe'];
    return '';
  } catch {
    return ` (left out: there is no ${LAUNCHER}; apt install openmpi-bin libopenmpi3)`;
  }
})();

/** Runs a program of Node's by several processes on this machine. */
export function mpirun(ranks: number, args: readonly string[]) {
  const child = spawn(LAUNCHER, [...options, '-np', String(ranks), process.execPath, ...args]);
  const output = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].on('data', (text) => {
      output[name] += text;
    });
  }
  const ended = once(child, 'close').then(([code]) => ({ code: code as number, ...output }));
  /** Process ids of the ranks that run. */
  const pids = () => (child.pid === undefined ? [] : leaves(child.pid));
  return { ended, pids };
}

/** Those of a process' descendants that have no children: MPICH starts the ranks through a proxy. */
function leaves(pid: number): number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
  return children ? children.split(' ').flatMap((child) => leaves(Number(child))) : [pid];
}
