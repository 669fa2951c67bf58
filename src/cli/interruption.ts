import { basename } from 'node:path';
import { tell } from '../util/terminal.js';

/** Ctrl-C, what service managers send, and a terminal that is closed. */
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
/** npm passes on a Ctrl-C that the terminal has sent already, and a closed terminal sends SIGHUP twice. */
const ECHO_MS = 300;

/** The first signal that asks the process to end, for work that saves and returns then. A second one ends the process. */
export interface Interruption {
  /** Aborted by the first. */
  signal: AbortSignal;
  /** Signals do again what they did before. */
  dispose(): void;
}

/** Listens to the signals that ask the process to end. */
export function interruption(): Interruption {
  const controller = new AbortController();
  let first = 0;
  const dispose = () => {
    for (const name of SIGNALS) process.off(name, handle);
  };
  const handle = (name: NodeJS.Signals) => {
    if (name === 'SIGHUP' && isUnderNohup()) return;
    if (!controller.signal.aborted) {
      first = performance.now();
      controller.abort();
      tell(`${name}: stopping after this step; a second signal ends at once.`);
    } else if (performance.now() - first > ECHO_MS) {
      dispose();
      process.kill(process.pid, name);
    }
  };
  for (const name of SIGNALS) process.on(name, handle);
  return { signal: controller.signal, dispose };
}

/** `nohup` has a program ignore SIGHUP, and Node forgets it at its start; what a shell says of the program's start is left. */
function isUnderNohup(): boolean {
  return basename(process.env._ ?? '') === 'nohup';
}
