import type { DeviceFaults } from './faults.js';
import type { BufferRange } from './launch.js';
import type { Recorder } from './recorder.js';

const COPY_DST = 0x08;
const MAP_READ = 0x01;

/** Submits what was recorded and reads a range back. @throws DeviceError that came in until then */
export async function readBack(
  { gpu, recorder, faults }: { gpu: GPUDevice; recorder: Recorder; faults: DeviceFaults },
  { buffer, offset, size }: BufferRange,
): Promise<ArrayBuffer> {
  recorder.assertOwn();
  const staging = faults.check('a readback', () =>
    gpu.createBuffer({ label: 'read', size: Math.max(4, size), usage: MAP_READ | COPY_DST }),
  );
  try {
    recorder.copy(buffer, offset, staging, 0, size);
    recorder.submit();
    await faults.wait(faults.settled());
    await faults.wait(staging.mapAsync(MAP_READ));
    return staging.getMappedRange().slice(0, size);
  } finally {
    staging.destroy();
  }
}
