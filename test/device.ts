import { type Device, openDevice } from '../src/tensor/device.js';

/** Kept as it is: test/cli/cli.ts replaces it for the commands. */
const open = openDevice;

let shared: Promise<Device> | undefined;

/**
 * The one device of a test process: its kernels are compiled once for all test files. Its `close` waits and reports errors, but
 * leaves it open. A test that loses a device, or needs one of its own, opens it with `openDevice`.
 */
export function sharedDevice(): Promise<Device> {
  shared ??= open({ tune: false }).then((device) => {
    device.close = () => device.settled();
    return device;
  });
  return shared;
}
