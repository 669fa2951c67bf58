import { DeviceError } from '../util/error.js';
import type { DeviceFaults } from './faults.js';
import { type KernelTime, Profile, Stopwatch } from './profile.js';
import type { Recorder } from './recorder.js';

/** What times: a runtime. */
interface Timed {
  gpu: GPUDevice;
  recorder: Recorder;
  faults: DeviceFaults;
  /** Submits and waits. */
  settled(): Promise<void>;
}

/** See `Runtime.profile`. */
export async function profile(
  { gpu, recorder, faults, settled }: Timed,
  work: () => void | Promise<void>,
): Promise<KernelTime[]> {
  assertTimestamps(gpu);
  await settled();
  const profile = new Profile(gpu);
  recorder.profile = profile;
  try {
    await work();
    await settled();
  } finally {
    recorder.profile = null;
  }
  return faults.wait(profile.finish());
}

/** See `Runtime.elapsed`. */
export async function elapsed({ gpu, recorder, faults, settled }: Timed, work: () => void): Promise<number> {
  assertTimestamps(gpu);
  await settled();
  const stopwatch = new Stopwatch(gpu);
  stopwatch.start(recorder.encoder());
  work();
  stopwatch.stop(recorder.encoder());
  await settled();
  return faults.wait(stopwatch.finish());
}

function assertTimestamps(gpu: GPUDevice): void {
  if (gpu.features.has('timestamp-query')) return;
  throw new DeviceError('This adapter has no timestamp queries; time whole submissions by the clock instead.');
}
