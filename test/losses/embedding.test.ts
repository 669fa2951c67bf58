/** What a program with buffers and encoders of its own relies on. */
import { describe, expect, test, vi } from 'vitest';
import { globals } from 'webgpu';
import { openDevice } from '../../src/tensor/device.js';
import { channelMajorLayout, channelsFrom, rowMajorLayout, tensorOf } from '../../src/tensor/layout.js';
import { Tensor } from '../../src/tensor/tensor.js';
import { sharedDevice } from '../device.js';
import type { HeadOutputs } from '../reference/types.js';
import { makeHeadLoss, REFERENCE, randomOutputs, SIZES, TRUTHS, uploadOutputs, uploadTruths } from './headCase.js';
import { areasOf, eachValue, store, storeTogether, together } from './headLayouts.js';

const device = await sharedDevice();

const STORAGE = 0x80 | 0x04 | 0x08;

const makeLoss = () => makeHeadLoss(device, SIZES, REFERENCE);
const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);

/** Box and class logits in one tensor, as YOLOv8 has them. */
const inOneTensor = (outputs: HeadOutputs) => storeTogether(device, SIZES, 'channels', outputs);

/** Student and teacher as rows, class and box logits apart, and truth. */
function scene(seed = 1) {
  const rows = ({ classLogits, boxLogits }: HeadOutputs) => ({
    classLogits: store(device, SIZES, 'rows', classLogits),
    boxLogits: store(device, SIZES, 'rows', boxLogits),
  });
  return {
    student: rows(randomOutputs(SIZES, seed, 2)),
    teacher: rows(randomOutputs(SIZES, seed + 1000, 2)),
    truth: uploadTruths(device, SIZES, TRUTHS),
  };
}

function borrowed(elements: number, usage = STORAGE): Tensor {
  return Tensor.borrow(device, device.gpu.createBuffer({ size: 16 * Math.ceil(elements / 4), usage }), [elements]);
}

describe('gradients into tensors of the caller', () => {
  test('are those of the own ones, and stay the caller’s', async () => {
    const { student, teacher, truth } = scene();
    const loss = makeLoss();
    const gradients = {
      classLogits: borrowed(tensorOf(student.classLogits).size),
      boxLogits: borrowed(tensorOf(student.boxLogits).size),
    };
    for (const tensor of Object.values(gradients)) tensor.write(new Float32Array(tensor.size).fill(7));
    const own = loss.evaluate({ student, teacher, truth });
    const given = loss.evaluate({ student, teacher, truth, gradients });
    for (const key of ['classLogits', 'boxLogits'] as const) {
      expect(given.gradients[key]).toBe(gradients[key]);
      expect(await gradients[key].read()).toEqual(await own.gradients[key].read());
    }
    given.dispose();
    expect(gradients.boxLogits.disposed).toBe(false);
  });

  test('separate ones for logits that share a tensor: zero where the other kind lies', async () => {
    const student = inOneTensor(randomOutputs(SIZES, 1, 2));
    const { teacher, truth } = scene();
    const loss = makeLoss();
    const one = await loss.evaluate({ student, teacher, truth }).gradients.boxLogits.read();
    const gradients = { classLogits: borrowed(one.length), boxLogits: borrowed(one.length) };
    for (const tensor of Object.values(gradients)) tensor.write(new Float32Array(tensor.size).fill(7));
    loss.evaluate({ student, teacher, truth, gradients });
    const [classes, boxes] = [await gradients.classLogits.read(), await gradients.boxLogits.read()];
    expect(classes.map((g, i) => g + boxes[i])).toEqual(one);
    let wrong = 0;
    const parts = together(SIZES);
    eachValue(SIZES, 'channels', parts.classLogits, (place) => (wrong += Number(boxes[place] !== 0)));
    eachValue(SIZES, 'channels', parts.boxLogits, (place) => (wrong += Number(classes[place] !== 0)));
    expect(wrong).toBe(0);
  });

  test.each(['classLogits', 'boxLogits'] as const)(
    '%s alone, for logits that share a tensor: it serves both',
    async (key) => {
      const student = inOneTensor(randomOutputs(SIZES, 1, 2));
      const { teacher, truth } = scene();
      const loss = makeLoss();
      const want = await loss.evaluate({ student, teacher, truth }).gradients.boxLogits.read();
      const gradient = borrowed(want.length);
      const result = loss.evaluate({ student, teacher, truth, gradients: { [key]: gradient } });
      expect(result.gradients.classLogits).toBe(gradient);
      expect(result.gradients.boxLogits).toBe(gradient);
      expect(await gradient.read()).toEqual(want);
    },
  );

  test('what does not fit is named', () => {
    const { student, teacher, truth } = scene();
    const loss = makeLoss();
    const [{ size }, boxes] = [tensorOf(student.classLogits), tensorOf(student.boxLogits)];
    const evaluate = (gradients: { classLogits?: Tensor; boxLogits?: Tensor }) =>
      loss.evaluate({ student, teacher, truth, gradients });
    expect(() => evaluate({ classLogits: borrowed(size - 1) })).toThrow(/gradients\.classLogits: \d+ elements of f32/);
    expect(() => evaluate({ boxLogits: borrowed(boxes.size, 0x80) })).toThrow(/lacks the usage COPY_DST/);
    expect(() => evaluate({ classLogits: tensorOf(student.classLogits) })).toThrow(/holds inputs too/);
    const { buffer } = borrowed(boxes.size);
    const overlapping = {
      classLogits: Tensor.borrow(device, buffer, [size]),
      boxLogits: Tensor.borrow(device, buffer, [boxes.size]),
    };
    expect(() => evaluate(overlapping)).toThrow(/overlap/);
  });
});

describe('input that does not fit is named', () => {
  const areas = areasOf(SIZES);
  const channels = 4 * SIZES.bins + SIZES.classes;

  test('a layout beyond its tensor', () => {
    const { student, teacher, truth } = scene();
    const tensor = device.zeros([SIZES.batch, channels - 1, sum(areas)]);
    const layout = channelsFrom(channelMajorLayout(channels, areas), 4 * SIZES.bins);
    expect(() =>
      makeLoss().evaluate({ student: { ...student, classLogits: { tensor, layout } }, teacher, truth }),
    ).toThrow(/student\.classLogits: level 0 of its layout reaches element \d+ of a tensor of \d+/);
  });

  test('one layout for both kinds', () => {
    const { teacher, truth } = scene();
    const maps = {
      tensor: device.zeros([SIZES.batch, channels, sum(areas)]),
      layout: channelMajorLayout(channels, areas),
    };
    expect(() => makeLoss().evaluate({ student: { classLogits: maps, boxLogits: maps }, teacher, truth })).toThrow(
      /begin at the same element.*channelsFrom/,
    );
  });

  test('integers', () => {
    const { student, teacher, truth } = scene();
    const tensor = device.zeros([SIZES.batch, sum(areas), SIZES.classes], 'i32');
    const classLogits = { tensor, layout: rowMajorLayout(SIZES.classes, areas) };
    expect(() => makeLoss().evaluate({ student: { ...student, classLogits }, teacher, truth })).toThrow(
      /student\.classLogits\.tensor: elements of i32/,
    );
  });

  test('a tensor of another device', async () => {
    const other = await openDevice();
    try {
      const { student, teacher, truth } = scene();
      const foreign = uploadOutputs(other, SIZES, randomOutputs(SIZES, 1, 2));
      const loss = makeLoss();
      expect(() => loss.evaluate({ student: foreign, teacher, truth })).toThrow(
        /student\.classLogits.*another GPUDevice/,
      );
      expect(() => loss.evaluate({ student, teacher, truth: uploadTruths(other, SIZES, TRUTHS) })).toThrow(
        /truth.*another GPUDevice/,
      );
    } finally {
      await other.close();
    }
  });

  test("a buffer of another device under this one's name: reported with the kernel", async () => {
    const other = await openDevice();
    const { student, teacher, truth } = scene();
    const size = 4 * tensorOf(student.classLogits).size;
    const buffer = other.gpu.createBuffer({ size, usage: STORAGE });
    const classLogits = {
      tensor: Tensor.borrow(device, buffer, [size / 4]),
      layout: rowMajorLayout(SIZES.classes, areas),
    };
    const result = makeLoss().evaluate({ student: { ...student, classLogits }, teacher, truth });
    await expect(result.read()).rejects.toThrow(/bindings of kernel head/);
    await other.close();
    await device.settled().catch(() => {});
  });

  test('a mapped buffer, one beyond a binding', () => {
    const mapped = device.gpu.createBuffer({ size: 64, usage: STORAGE, mappedAtCreation: true });
    expect(() => Tensor.borrow(device, mapped, [16])).toThrow(/is mapped.*unmap/);
    mapped.destroy();
    const elements = device.gpu.limits.maxStorageBufferBindingSize / 4 + 1;
    const big = { size: 4 * elements, usage: STORAGE, mapState: 'unmapped' } as unknown as GPUBuffer;
    expect(() => Tensor.borrow(device, big, [elements])).toThrow(/maxStorageBufferBindingSize/);
  });
});

describe("an encoder of the caller's", () => {
  test('gives the same bits once it is submitted, and nothing before', async () => {
    const input = scene();
    const loss = makeLoss();
    const own = loss.evaluate(input);
    const want = await Promise.all([
      own.terms.read(),
      own.gradients.classLogits.read(),
      own.gradients.boxLogits.read(),
    ]);
    const gradients = {
      classLogits: borrowed(tensorOf(input.student.classLogits).size),
      boxLogits: borrowed(tensorOf(input.student.boxLogits).size),
    };
    const encoder = device.gpu.createCommandEncoder();
    const result = device.record(encoder, () => loss.evaluate({ ...input, gradients }));
    device.submit();
    expect((await gradients.boxLogits.read()).every((g) => g === 0)).toBe(true);
    device.gpu.queue.submit([encoder.finish()]);
    expect(await Promise.all([result.terms.read(), gradients.classLogits.read(), gradients.boxLogits.read()])).toEqual(
      want,
    );
  });

  test('memory used in it is not used elsewhere before it is submitted', async () => {
    const loss = makeLoss();
    const input = scene();
    const want = await loss.evaluate(input).terms.read();
    const encoder = device.gpu.createCommandEncoder();
    const recorded = device.record(encoder, () => loss.evaluate(input));
    // Of every size that its working memory may have had.
    const later = Array.from({ length: 20 }, () => [64, 128, 256, 512, 1024, 2048, 4096, 16384]).flat();
    const tensors = later.map((size) => device.tensor(new Float32Array(size).fill(7)));
    device.gpu.queue.submit([encoder.finish()]);
    for (const tensor of tensors) expect((await tensor.read()).every((x) => x === 7)).toBe(true);
    expect(await recorded.terms.read()).toEqual(want);
    const used = device.pool.usedBytes;
    recorded.dispose();
    expect(device.pool.usedBytes).toBeLessThan(used);
    // What it gave back serves the next encoder.
    const held = device.pool.heldBytes;
    device.record(device.gpu.createCommandEncoder(), () => loss.evaluate(input)).dispose();
    expect(device.pool.heldBytes).toBe(held);
    for (const tensor of tensors) tensor.dispose();
  });

  test('an upload or a submit within is refused; afterwards all goes on', async () => {
    const encoder = device.gpu.createCommandEncoder();
    expect(() => device.record(encoder, () => device.tensor([1]))).toThrow(/uploads, reads or submits/);
    expect(() => device.record(encoder, () => device.submit())).toThrow(/uploads, reads or submits/);
    const tensor = device.tensor([1, 2]);
    await expect(device.record(encoder, () => tensor.read())).rejects.toThrow(/uploads, reads or submits/);
    expect([...(await tensor.read())]).toEqual([1, 2]);
  });
});

test('an evaluation makes no buffer, copies nothing, uploads nothing, reads nothing and submits nothing', async () => {
  const { GPUDevice, GPUQueue, GPUCommandEncoder, GPUBuffer } = globals as Record<string, { prototype: object }>;
  const calls: Record<string, number> = {};
  const spies = [
    [GPUDevice, 'createBuffer'],
    [GPUQueue, 'writeBuffer'],
    [GPUQueue, 'submit'],
    [GPUCommandEncoder, 'copyBufferToBuffer'],
    [GPUBuffer, 'mapAsync'],
  ].map(([type, name]) => {
    const { prototype } = type as { prototype: Record<string, (...values: unknown[]) => unknown> };
    const original = prototype[name as string];
    return vi.spyOn(prototype, name as string).mockImplementation(function (this: unknown, ...values: unknown[]) {
      calls[name as string] = (calls[name as string] ?? 0) + 1;
      return original.apply(this, values);
    });
  });
  const counted = (work: () => unknown) => {
    for (const name of Object.keys(calls)) delete calls[name];
    work();
    return { ...calls };
  };
  try {
    const student = inOneTensor(randomOutputs(SIZES, 1, 2));
    const teacher = inOneTensor(randomOutputs(SIZES, 2, 2));
    const truth = uploadTruths(device, SIZES, TRUTHS);
    const loss = makeLoss();
    const gradient = borrowed(tensorOf(student.boxLogits).size);
    const gradients = { classLogits: gradient, boxLogits: gradient };
    const evaluate = () => loss.evaluate({ student, teacher, truth, gradients });
    // The first one makes the uniforms and the working memory.
    evaluate().dispose();
    const { dispatches } = device;
    expect(counted(() => evaluate().dispose())).toEqual({});
    expect(device.dispatches - dispatches).toBe(10);
    expect(counted(() => device.submit())).toEqual({ submit: 1 });
    const result = evaluate();
    for (const name of Object.keys(calls)) delete calls[name];
    await result.read();
    expect(calls).toEqual({ createBuffer: 3, copyBufferToBuffer: 3, submit: 3, mapAsync: 3 });
    result.dispose();
    const encoder = device.gpu.createCommandEncoder();
    const recorded = counted(() => device.record(encoder, () => evaluate().dispose()));
    expect(recorded.submit).toBeUndefined();
    expect(counted(() => device.record(encoder, () => evaluate().dispose()))).toEqual({});
    device.gpu.queue.submit([encoder.finish()]);
    // The boxes and what belongs to them; a seventh where there are regions to ignore.
    expect(counted(() => uploadTruths(device, SIZES, TRUTHS)).writeBuffer).toBe(6);
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
  await device.settled();
});
