#!/usr/bin/env node
import { writeError } from '../util/atomicFile.js';
import { tell } from '../util/terminal.js';
import { runCommand } from './program.js';

/** Nobody reads any more: `| head`, or a terminal that was closed. */
const UNREAD = ['EPIPE', 'EIO'];

// A result that is lost is a fault; what is told of the progress is none.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (UNREAD.includes(error.code ?? '')) return;
  tell(`edgewise: ${writeError('the output', error).message}`);
  process.exitCode = 1;
});
process.stderr.on('error', () => {});

await runCommand(process.argv.slice(2));
