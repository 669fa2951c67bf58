import { expect, test } from 'vitest';
import { judgeSkipped } from '../../src/train/window.js';
import { DeviceError } from '../../src/util/error.js';

const at = { steps: 8, step: 40 };

test('updates that a lower loss scale cures are warned of, all others end the training', () => {
  const none = { student: 0, companions: 0 };
  for (const scale of [undefined, 1, 4096]) expect(judgeSkipped(none, { ...at, scale })).toBeNull();
  const cured = { student: 1, companions: 1 };
  expect(judgeSkipped(cured, { ...at, scale: 2048 })).toMatch(/^up to step 40 1 update was skipped: .* now 2048$/);
  for (const [skipped, scale] of [
    [cured, undefined],
    [cured, 1],
    [{ student: 0, companions: 2 }, 2048],
  ] as const) {
    const judge = () => judgeSkipped(skipped, { ...at, scale });
    expect(judge).toThrow(DeviceError);
    expect(judge).toThrow('2 of the last 8 updates up to step 40 were skipped: a gradient was NaN or infinite');
  }
});
