import { type Device, openDevice } from '../tensor/device.js';
import { DeviceError, InputError } from '../util/error.js';
import type { Command, Report } from './protocol.js';
import { Session } from './session.js';

/**
 * Takes the page's commands and runs one training at a time: in a worker, or in the page where workers have no WebGPU.
 * @param base address of the page, beside which its files are
 */
export function conduct(base: string, report: (report: Report) => void): (command: Command) => void {
  let device: Promise<Device> | null = null;
  let session: Session | null = null;
  /** The end of the training before. */
  let ended: Promise<void> = Promise.resolve();
  let starts = 0;

  const begin = async (start: Extract<Command, { kind: 'start' }>, before: Promise<void>) => {
    const turn = ++starts;
    await before;
    if (turn !== starts) return;
    try {
      device ??= openDevice();
      session = await Session.open(await device, start, base, report);
      if (turn !== starts) session.stop();
      await session.run();
    } catch (error) {
      if (!(error instanceof InputError)) device = null;
      // What was wrong with a training that another has taken the place of is no news.
      else if (turn !== starts) return;
      report({ kind: 'failed', device: error instanceof DeviceError, message: (error as Error).message });
    }
  };

  return (command) => {
    if (command.kind === 'start') {
      session?.stop();
      session = null;
      ended = begin(command, ended);
    } else if (command.kind === 'pause') session?.pause(command.paused);
    else if (command.kind === 'save') session?.save(command.name);
    else if (command.kind === 'look') session?.look(command.image);
    else session?.distil(command.distillation);
  };
}
