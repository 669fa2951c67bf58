/** What goes wrong on a device that others use too, and what a lost one says. */
import { afterEach, describe, expect, test, vi } from 'vitest';
import { DeviceFaults } from '../../src/gpu/faults.js';
import { Device, openDevice } from '../../src/tensor/device.js';
import { DeviceError, InputError } from '../../src/util/error.js';

/** A GPUDevice that never answers, until it is lost. */
function silentDevice() {
  let lose = (_: Partial<GPUDeviceLostInfo>) => {};
  const lost = new Promise<Partial<GPUDeviceLostInfo>>((resolve) => {
    lose = resolve;
  });
  const gpu = Object.assign(new EventTarget(), { lost }) as unknown as GPUDevice;
  return { gpu, lose };
}
const NEVER = new Promise<never>(() => {});

describe('a device that is lost', () => {
  test('ends what waits for it, which would wait for ever, and everything after', async () => {
    const { gpu, lose } = silentDevice();
    const faults = new DeviceFaults(gpu);
    const waits = [faults.whileAlive(NEVER), faults.whileAlive(NEVER)].map((wait) => wait.catch((error) => error));
    lose({ reason: 'unknown', message: 'the driver was reset' });
    for (const error of await Promise.all(waits)) {
      expect(error).toBeInstanceOf(DeviceError);
      expect(error).toMatchObject({ lost: true, message: expect.stringMatching(/lost: the driver was reset\./) });
    }
    await expect(faults.whileAlive(NEVER)).rejects.toThrow(/lost/);
    for (let i = 0; i < 2; i++) expect(() => faults.report()).toThrow(/lost/);
  });

  test('is the reason where a buffer cannot be mapped, whichever is told first', async () => {
    const { gpu, lose } = silentDevice();
    const faults = new DeviceFaults(gpu);
    const wait = faults.whileAlive(Promise.reject(new Error('AbortError'))).catch((error) => error);
    lose({ reason: 'destroyed', message: '' });
    expect(await wait).toMatchObject({ lost: true });
    const other = new DeviceFaults(silentDevice().gpu);
    const failure = other.whileAlive(Promise.reject(new Error('not that'))).catch((error) => error);
    expect(await failure).toMatchObject({ lost: false, message: 'the GPU gives nothing back: not that' });
  });

  test('that was closed is no loss', async () => {
    const { gpu, lose } = silentDevice();
    const faults = new DeviceFaults(gpu);
    const wait = faults.whileAlive(NEVER).catch((error) => error);
    faults.close();
    lose({ reason: 'destroyed', message: '' });
    expect(await wait).toBeInstanceOf(InputError);
    expect(() => faults.report()).not.toThrow();
  });

  test.each(['at once', 'with work on the way'])('GPUDevice.destroy(), %s', async (when) => {
    const device = await openDevice();
    const tensor = device.tensor([1, 2, 3]);
    const pending = when === 'at once' ? null : tensor.read().catch((error) => error);
    device.gpu.destroy();
    const lost = {
      name: 'DeviceError',
      lost: true,
      message: expect.stringMatching(/GPUDevice\.destroy\(\) was called/),
    };
    if (pending) expect(await pending).toMatchObject(lost);
    await expect(tensor.read()).rejects.toMatchObject(lost);
    await expect(device.settled()).rejects.toMatchObject(lost);
    for (const use of [() => device.submit(), () => device.tensor([1]), () => tensor.write([4, 5, 6])]) {
      expect(use).toThrow(expect.objectContaining(lost));
    }
    await expect(device.profile(() => {})).rejects.toBeInstanceOf(DeviceError);
    expect(() => tensor.dispose()).not.toThrow();
    await expect(device.close()).rejects.toMatchObject(lost);
    expect(device.pool.heldBytes).toBe(0);
    await device.close(); // told once
    await expect(device.settled()).rejects.toThrow(/closed/);
  });

  test('is told by close alone, too', async () => {
    const device = await openDevice();
    device.gpu.destroy();
    await expect(device.close()).rejects.toMatchObject({ lost: true });
    expect(device.closed).toBe(true);
  });
});

describe("an error that is not edgewise's", () => {
  afterEach(() => vi.restoreAllMocks());
  const fault = (gpu: GPUDevice) => gpu.createBuffer({ size: 4, usage: 0x01 | 0x80 }).destroy();

  test('goes to the handler that the program sets, before or after, and to the next report', async () => {
    const owner = await openDevice();
    const { gpu } = owner;
    const heard: string[] = [];
    const handler = (name: string) => (event: GPUUncapturedErrorEvent) => {
      event.preventDefault?.();
      heard.push(name);
    };
    gpu.onuncapturederror = handler('before');
    const device = Device.adopt(gpu);
    fault(gpu);
    await expect(device.settled()).rejects.toThrow(/not of edgewise: .*usages/s);
    gpu.onuncapturederror = handler('after');
    fault(gpu);
    const tensor = device.tensor([1]);
    await expect(tensor.read()).rejects.toThrow(/not of edgewise/);
    expect([...(await tensor.read())]).toEqual([1]);
    expect(heard).toEqual(['before', 'after']);
    await device.close();
    fault(gpu);
    await gpu.queue.onSubmittedWorkDone();
    expect(heard).toEqual(['before', 'after', 'after']);
    await owner.close().catch(() => {}); // it has heard of the three as well
  });

  test('is not prevented from being shown, and the next submit tells of it', async () => {
    const device = await openDevice();
    const prevented: boolean[] = [];
    device.gpu.onuncapturederror = (event) => {
      prevented.push(event.defaultPrevented);
      event.preventDefault?.();
    };
    fault(device.gpu);
    await device.gpu.queue.onSubmittedWorkDone();
    expect(prevented).toEqual([false]);
    expect(() => device.submit()).toThrow(/not of edgewise/);
    expect(() => device.submit()).not.toThrow();
    await device.close();
  });

  test("ours are ours: another's handler does not hear of them", async () => {
    const device = await openDevice();
    const handler = vi.fn();
    device.gpu.onuncapturederror = handler;
    const tensor = device.tensor([1, 2]);
    const destroyed = device.gpu.createBuffer({ size: 16, usage: 0x08 });
    destroyed.destroy();
    expect(() => device.write(destroyed, 0, new Float32Array(4))).not.toThrow();
    await expect(device.settled()).rejects.toThrow(/^an upload: /);
    device.copy(tensor.buffer, 0, tensor.buffer, 0, 4);
    await expect(device.settled()).rejects.toThrow(/^the commands of copy: /);
    expect(handler).not.toHaveBeenCalled();
    await device.close();
  });
});
