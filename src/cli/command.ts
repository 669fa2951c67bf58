import { type Command, Option } from 'commander';
import type { AdapterPreference } from '../gpu/adapter.js';
import { type Device, openDevice } from '../tensor/device.js';
import { DeviceError } from '../util/error.js';
import { print, printJson, tell } from '../util/terminal.js';

/** What a command found. */
export interface Outcome {
  /** What `--json` prints: one object. */
  data: object;
  /** The same for people. */
  text: string;
  /** Exit code 1: what was to be checked did not pass. */
  failed?: boolean;
}

const ADAPTERS: readonly AdapterPreference[] = ['auto', 'hardware', 'software', 'embedded'];

export interface AdapterOptions {
  adapter: AdapterPreference;
  /** False: what `edgewise tune` has kept is not used. */
  tune: boolean;
}

/** `--adapter`, for commands that use the GPU. */
export function adapterOption(): Option {
  const order = 'auto takes the first there is of the others, in this order';
  return new Option('--adapter <kind>', `what to run on; ${order}`).choices(ADAPTERS).default('auto');
}

/** `--adapter` and `--no-tune`, for commands that use the GPU. */
export function addDeviceOptions(command: Command): Command {
  return command
    .addOption(adapterOption())
    .option('--no-tune', 'run the default variants of the kernels, whatever edgewise tune has kept for the adapter');
}

/**
 * Gives a command `--json` and makes its action print what `work` found; nothing for null. Everything else belongs on stderr.
 */
export function prints<A extends unknown[]>(command: Command, work: (...given: A) => Promise<Outcome | null>): Command {
  return command.option('--json', 'print one JSON object instead of text').action(async function (
    this: Command,
    ...given: unknown[]
  ) {
    // Commander gives the arguments, the options and the command.
    const outcome = await work(...(given as A));
    if (!outcome) return;
    const { data, text, failed } = outcome;
    if (this.opts().json) printJson(data);
    else print(text);
    if (failed) process.exitCode = 1;
  });
}

/** Opens a device, works with it, and closes it whatever happens, so that the process can exit. */
export async function withDevice<T>(
  { adapter, tune }: AdapterOptions,
  work: (device: Device) => Promise<T>,
): Promise<T> {
  const device = await openDevice({ adapter, tune });
  try {
    return await work(device);
  } finally {
    await device.close();
  }
}

/**
 * The same for work that keeps what it has done: where its device is lost, it goes on once, on another, and says so.
 * @param work told whether it is to go on
 */
export async function withDeviceAgain<T>(
  options: AdapterOptions,
  work: (device: Device, again: boolean) => Promise<T>,
): Promise<T> {
  try {
    return await withDevice(options, (device) => work(device, false));
  } catch (error) {
    if (!(error instanceof DeviceError) || !error.lost) throw error;
    tell(`${error.message} This command does so now, once.`);
    return withDevice(options, (device) => work(device, true));
  }
}
