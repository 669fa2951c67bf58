import { expect, test } from 'vitest';
import { type FirstCallRow, measureFirstCall, timeFirstCall } from '../../bench/firstCall.js';
import type { Plan } from '../../bench/measure.js';
import { formatReport } from '../../bench/report.js';
import { firstHeadLossRow, firstTrainStepRow } from '../../bench/rows/firstCall.js';
import { runBench } from '../../bench/run.js';
import { openDevice } from '../../src/tensor/device.js';
import { halfTensor } from '../../src/tensor/half.js';
import { DeviceError } from '../../src/util/error.js';
import { sharedDevice } from '../device.js';

const ROW: FirstCallRow = { name: 'first', what: '', call: async () => async () => {} };

/** A program that is called as the bench's is: its last two arguments are the row and the adapter. */
const program = (text: string) => [process.execPath, '--eval', text, '--'];

test('a first call runs in processes without a cache of kernels, and gives a row of the report', async () => {
  const command = program(`
    const [name, adapter] = process.argv.slice(-2);
    if (name !== 'first' || adapter !== 'auto') throw new Error('wrong arguments');
    if (process.env.MESA_SHADER_CACHE_DISABLE !== 'true') throw new Error('there is a cache');
    console.log(JSON.stringify({ wallMs: 4000, cpuMs: 6000, dispatches: 9 }));`);
  const plan: Plan = { warmUps: 0, least: 1, most: 1, seconds: 0, interval: 0 };
  const options = { plan, peers: false, kernels: false, curves: false, readme: false, json: true } as const;
  const report = await runBench({ ...options, rows: [ROW], adapter: 'auto' }, [], () => {}, [], command);
  expect(report.rows).toMatchObject([
    { name: 'first', ms: 4000, spread: 0, wallMs: 4000, cpuMs: 6000, clock: 'wall', runs: 3, dispatches: 9 },
  ]);
  expect(formatReport(report)).toMatch(/^first +4000\.00 +0\.00 +6000\.00 +– +– +– +– +9 +wall$/m);
});

test('a process that fails says why', async () => {
  const failing = measureFirstCall(ROW, 'auto', program(`console.error('no adapter'); process.exit(1);`));
  await expect(failing).rejects.toThrow(DeviceError);
  await expect(failing).rejects.toThrow('first: the process of a first call failed: no adapter');
});

test('what runs before the call is refused', async () => {
  const device = await openDevice();
  const call = async () => async () => void (await halfTensor(device, new Uint16Array(4), [4]).read());
  const { wallMs, cpuMs, dispatches } = await timeFirstCall(device, { ...ROW, call });
  for (const figure of [wallMs, cpuMs]) expect(figure).toBeGreaterThan(0);
  expect(dispatches).toBe(1);
  await expect(timeFirstCall(device, { ...ROW, call })).rejects.toThrow(/first: 1 dispatches before the first call/);
  await device.close();
});

test('the head loss and the training step run nothing before they are timed', async () => {
  const step = { batch: 1, classes: 3, width: 64, height: 64, boxes: 2, size: 'tiny', recipe: 'gfocal' } as const;
  const rows = [
    firstHeadLossRow('first-head-loss', { batch: 1, image: 64, boxes: 2, classes: 3, bins: 17 }),
    firstTrainStepRow('first-train-step', step),
  ];
  // Kernels that other tests have compiled are none of the rows' business.
  const device = await sharedDevice();
  for (const row of rows) {
    const before = device.dispatches;
    const run = await row.call(device);
    await device.settled();
    expect(device.dispatches).toBe(before);
    await run();
    expect(device.dispatches).toBeGreaterThan(before);
  }
});
