import { tell } from '../util/terminal.js';

/** Milliseconds between two lines. */
const TELL_EVERY = 5000;

type Counter = (done: number, of: number) => void;

/** Counts on stderr: in place on a terminal; elsewhere as `progressLines`. */
export function counter(verb: string, things: string): Counter {
  const line = (done: number, of: number) => `${verb} ${done} of ${of} ${things}`;
  if (!process.stderr.isTTY) return progressLines(line);
  return (done, of) => void process.stderr.write(`\r${line(done, of)}${done === of ? '\n' : ''}`);
}

/** Lines on stderr for what takes long: none before the first few seconds, then one every few. */
export function progressLines(line: (done: number, of: number) => string): Counter {
  let told: number | undefined;
  return (done, of) => {
    told ??= performance.now();
    if (performance.now() - told < TELL_EVERY) return;
    told = performance.now();
    tell(line(done, of));
  };
}
