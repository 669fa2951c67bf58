import { Command } from 'commander';
import { version } from '../../package.json';
import { readableLines } from '../util/readable.js';
import { fail } from './fail.js';

/** In the order of the help. Each is loaded where it is asked for: together they are most of the package. */
export const COMMANDS: Record<string, () => Promise<(program: Command) => void>> = {
  train: async () => (await import('./train.js')).addTrain,
  distill: async () => (await import('./distill.js')).addDistill,
  teach: async () => (await import('./teach.js')).addTeach,
  evaluate: async () => (await import('./evaluate.js')).addEvaluate,
  regions: async () => (await import('./regions.js')).addRegions,
  study: async () => (await import('./study.js')).addStudy,
  report: async () => (await import('./report.js')).addReport,
  inspect: async () => (await import('./inspect.js')).addInspect,
  export: async () => (await import('./export.js')).addExport,
  verify: async () => (await import('./verify.js')).addVerify,
  tune: async () => (await import('./tune.js')).addTune,
  demo: async () => (await import('./demo.js')).addDemo,
  doctor: async () => (await import('./doctor.js')).addDoctor,
};

/** The commands that these words may mean: the one named, none where only the version is asked for, else all for the help. */
function commandsFor(words: readonly string[]): string[] {
  const name = words.find((word) => !word.startsWith('-'));
  if (name !== undefined && Object.hasOwn(COMMANDS, name)) return [name];
  return words.length === 1 && ['--version', '-V'].includes(words[0]) ? [] : Object.keys(COMMANDS);
}

/**
 * Runs one command and leaves its exit code in `process.exitCode`.
 * @param words what follows `edgewise`
 */
export async function runCommand(words: readonly string[]): Promise<void> {
  const wantsJson = words.includes('--json');
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
      '\nExit codes: 0 done, or stopped by Ctrl-C, SIGTERM or SIGHUP and saved; 1 failed; 2 wrong usage. A second signal ends the process\n' +
        'at once. --json prints one object to stdout, also for errors: {"error": "…"}.',
    );
  try {
    for (const name of commandsFor(words)) (await COMMANDS[name]())(program);
    await program.parseAsync(words, { from: 'user' });
  } catch (error) {
    fail(error, wantsJson);
  }
}
