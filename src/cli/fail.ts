import { inspect } from 'node:util';
import { CommanderError } from 'commander';
import { DeviceError, InputError } from '../util/error.js';
import { readableLines } from '../util/readable.js';
import { printJson } from '../util/terminal.js';

const FAILURE = 1;
const USAGE = 2;

/**
 * Tells what went wrong: one line on stderr, with `--json` one object on stdout; a stack only for what nobody foresaw.
 * @param who stands before the message, where there are several processes
 */
export function fail(error: unknown, wantsJson: boolean, who = ''): void {
  if (error instanceof CommanderError) {
    // Help and version are no errors; commander has written them, and its own messages, to the right stream.
    process.exitCode = error.exitCode === 0 ? 0 : USAGE;
    if (wantsJson && error.exitCode !== 0) printError(error.message.replace(/^error: /, ''));
    return;
  }
  process.exitCode = FAILURE;
  const isSystems = error instanceof Error && 'syscall' in error;
  const isForeseen = error instanceof InputError || error instanceof DeviceError || isSystems || lacksMemory(error);
  const said = error instanceof Error ? error.message : String(error);
  const message = lacksMemory(error)
    ? `${who}${said}: there is too little memory; make the images or the batch smaller.`
    : who + said;
  if (wantsJson) printError(message);
  if (isForeseen && !wantsJson) process.stderr.write(`edgewise: ${readableLines(message)}\n`);
  if (!isForeseen) process.stderr.write(`${who}${readableLines(inspect(error))}\n`);
}

/** How V8 refuses an array or a text that is too long for the machine, or for V8 itself. */
function lacksMemory(error: unknown): boolean {
  return (
    error instanceof RangeError &&
    /allocation failed|^Invalid (typed array|array|string) length(: \d|$)/.test(error.message)
  );
}

function printError(message: string): void {
  printJson({ error: message });
}
