/** `npm run bench`: measures, and prints a table or JSON on stdout; everything else goes to stderr. */
import { CommanderError } from 'commander';
import { DeviceError, InputError } from '../src/util/error.js';
import { writeReadme, writeResults } from './files.js';
import { parseOptions } from './options.js';
import { formatReport } from './report.js';
import { ROWS } from './rows/index.js';
import { runBench } from './run.js';

const FAILURE = 1;
const USAGE = 2;

function progress(text: string): void {
  console.error(`bench: ${text}`);
}

try {
  const args = process.argv.slice(2);
  const options = parseOptions(args, ROWS);
  const report = await runBench(options, args, progress);
  if (options.curves) progress(`wrote ${writeResults(report)}`);
  if (options.readme) progress(`wrote ${writeReadme(report)}`);
  console.log(options.json ? JSON.stringify(report) : formatReport(report));
} catch (error) {
  if (error instanceof CommanderError) {
    // Help is no error; commander has written the text.
    process.exitCode = error.exitCode === 0 ? 0 : USAGE;
  } else {
    process.exitCode = FAILURE;
    const isForeseen = error instanceof InputError || error instanceof DeviceError;
    console.error(isForeseen ? `bench: ${error.message}` : error);
  }
}
