import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

/** Why nothing can be run by several processes here; empty where it can. */
export const lacksMpi: string = (() => {
  try {
    createRequire(import.meta.url).resolve('koffi');
  } catch {
    return ' (left out: the npm package koffi is not installed)';
  }
  try {
    execFileSync('mpirun', ['--version'], { stdio: 'ignore' });
    return '';
  } catch {
    return ' (left out: there is no mpirun; apt install openmpi-bin libopenmpi3)';
  }
})();

/** Runs a program of Node's by several processes on this machine. */
export function mpirun(ranks: number, args: readonly string[]) {
  const options = ['--allow-run-as-root', '--oversubscribe', '-np', String(ranks)];
  const child = spawn('mpirun', [...options, process.execPath, ...args]);
  const output = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].on('data', (text) => {
      output[name] += text;
    });
  }
  const ended = once(child, 'close').then(([code]) => ({ code: code as number, ...output }));
  /** Process ids of the ranks that run. */
  const pids = () => {
    const { pid } = child;
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8');
    return children.trim().split(' ').map(Number);
  };
  return { ended, pids };
}
