#!/usr/bin/env node
import { inspect } from 'node:util';
import { Command, CommanderError } from 'commander';
import { version } from '../../package.json';
import { DeviceError, InputError } from '../util/error.js';
import { readableLines } from '../util/readable.js';
import { printJson } from '../util/terminal.js';
import { addDemo } from './demo.js';
import { addDistill } from './distill.js';
import { addDoctor } from './doctor.js';
import { addEvaluate } from './evaluate.js';
import { addExport } from './export.js';
import { addRegions } from './regions.js';
import { addReport } from './report.js';
import { addStudy } from './study.js';
import { addTeach } from './teach.js';
import { addTrain } from './train.js';
import { addTune } from './tune.js';
import { addVerify } from './verify.js';

const FAILURE = 1;
const USAGE = 2;

const wantsJson = process.argv.includes('--json');

/** Tells what went wrong: one line on stderr, with `--json` one object on stdout; a stack only for what nobody foresaw. */
function fail(error: unknown): void {
  if (error instanceof CommanderError) {
    // Help and version are no errors; commander has written them, and its own messages, to the right stream.
    process.exitCode = error.exitCode === 0 ? 0 : USAGE;
    if (wantsJson && error.exitCode !== 0) printError(error.message.replace(/^error: /, ''));
    return;
  }
  process.exitCode = FAILURE;
  const isForeseen = error instanceof InputError || error instanceof DeviceError;
  const message = error instanceof Error ? error.message : String(error);
  if (wantsJson) printError(message);
  if (isForeseen && !wantsJson) process.stderr.write(`edgewise: ${readableLines(message)}\n`);
  if (!isForeseen) process.stderr.write(`${readableLines(inspect(error))}\n`);
}

function printError(message: string): void {
  printJson({ error: message });
}

const program = new Command('edgewise')
  .description('Localization distillation for dense object detectors, on WebGPU.')
  .version(version)
  .exitOverride()
  .configureOutput({
    outputError: (text, write) => {
      if (!wantsJson) write(readableLines(text.replace(/^error: /, 'edgewise: ')));
    },
  })
  .showHelpAfterError('(add --help for the options)')
  .addHelpText(
    'after',
    '\nExit codes: 0 done, 1 failed, 2 wrong usage. --json prints one object to stdout, also for errors: {"error": "…"}.',
  );
for (const add of [
  addTrain,
  addDistill,
  addTeach,
  addEvaluate,
  addRegions,
  addStudy,
  addReport,
  addExport,
  addVerify,
  addTune,
  addDemo,
  addDoctor,
])
  add(program);

try {
  await program.parseAsync();
} catch (error) {
  fail(error);
}
