/** What a program with buffers and encoders of its own relies on. */
import { describe, expect, test, vi } from 'vitest';
import { globals } from 'webgpu';
import { HeadLoss, type HeadLossOptions, TERM_NAMES } from '../../src/losses/headLoss.js';
import type { PartialRecipe } from '../../src/losses/recipe.js';
import { openDevice } from '../../src/tensor/device.js';
import {
  channelMajorLayout,
  channelsFrom,
  layoutOf,
  type Maps,
  rowMajorLayout,
  tensorOf,
} from '../../src/tensor/layout.js';
import { Pyramid } from '../../src/tensor/pyramid.js';
import { Tensor } from '../../src/tensor/tensor.js';
import { sharedDevice } from '../device.js';
import { expectClose } from '../reference/closeTo.js';
import { gridLevels } from '../reference/grid.js';
import { headLossOracle } from '../reference/headLoss.js';
import { referenceSettings } from '../reference/headLossSettings.js';
import type { HeadOutputs, ImageTruth } from '../reference/types.js';
import { type HeadSizes, randomOutputs, uploadOutputs, uploadRows, uploadTruths } from './headCase.js';

const device = await sharedDevice();

const SIZES: HeadSizes = { width: 96, height: 64, strides: [8, 16, 32], batch: 2, classes: 5, bins: 16 };
const TRUTHS: ImageTruth[] = [
  {
    boxes: [
      [10.3, 5.1, 60.7, 50.2],
      [40.9, 20.4, 90.1, 63.3],
    ],
    labels: [1, 3],
  },
  { boxes: [[3.2, 7.7, 33.1, 30.9]], labels: [0] },
];
const RECIPE: PartialRecipe = { ld: { main: 0.25, vlr: 0.25 }, kd: { main: 10 }, regions: { vlr: 'reference' } };
const STORAGE = 0x80 | 0x04 | 0x08;

function makeLoss(sizes: HeadSizes, options: Partial<HeadLossOptions> = {}): HeadLoss {
  const { width, height } = sizes;
  return new HeadLoss(device, { ...sizes, imageSize: { width, height }, recipe: RECIPE, ...options });
}

function areasOf(sizes: HeadSizes): number[] {
  return gridLevels(sizes).map(({ anchors }) => anchors.length);
}

/** A way in which one tensor holds box channels and then class channels: its layout, and the place of each value by hand. */
interface Form {
  layout: (sizes: HeadSizes, channels: number, tensor: Tensor) => readonly Maps[];
  place: (
    sizes: HeadSizes,
    channels: number,
    at: { level: number; image: number; channel: number; cell: number },
  ) => number;
}

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
/** The maps of box and class channels. */
const parts = (tensor: Tensor, layout: ReturnType<typeof layoutOf>, { bins }: HeadSizes): Maps[] => [
  { tensor, layout },
  { tensor, layout: channelsFrom(layout, 4 * bins) },
];

const FORMS: Record<string, Form> = {
  "YOLOv8's [B, 4·bins + C, A]": {
    layout: (sizes, channels, tensor) => parts(tensor, channelMajorLayout(channels, areasOf(sizes)), sizes),
    place: (sizes, channels, { level, image, channel, cell }) => {
      const areas = areasOf(sizes);
      return (image * channels + channel) * sum(areas) + sum(areas.slice(0, level)) + cell;
    },
  },
  'the same, coarse levels first': {
    layout: (sizes, channels, tensor) => {
      const stored = channelMajorLayout(channels, areasOf(sizes).reverse());
      return parts(tensor, [...stored].reverse(), sizes);
    },
    place: (sizes, channels, { level, image, channel, cell }) => {
      const areas = areasOf(sizes);
      return (image * channels + channel) * sum(areas) + sum(areas.slice(level + 1)) + cell;
    },
  },
  'rows [B, A, 4·bins + C]': {
    layout: (sizes, channels, tensor) => parts(tensor, rowMajorLayout(channels, areasOf(sizes)), sizes),
    place: (sizes, channels, { level, image, channel, cell }) => {
      const areas = areasOf(sizes);
      return (image * sum(areas) + sum(areas.slice(0, level)) + cell) * channels + channel;
    },
  },
  'level by level, [B, 4·bins + C, H, W] each': {
    layout: (sizes, channels, tensor) => {
      const levels = gridLevels(sizes).map(({ width, height }) => ({ width, height }));
      return parts(tensor, layoutOf(Pyramid.of(tensor, sizes.batch, channels, levels)), sizes);
    },
    place: (sizes, channels, { level, image, channel, cell }) => {
      const areas = areasOf(sizes);
      return sizes.batch * channels * sum(areas.slice(0, level)) + (image * channels + channel) * areas[level] + cell;
    },
  },
};

const YOLO = FORMS["YOLOv8's [B, 4·bins + C, A]"];

/** Calls `visit` for each logit: its place in the one tensor, and in the levels [B, C, H·W] of its kind. */
function eachLogit(
  sizes: HeadSizes,
  { place }: Form,
  visit: (place: number, kind: 'classLogits' | 'boxLogits', level: number, index: number) => void,
): void {
  const { batch, classes, bins } = sizes;
  areasOf(sizes).forEach((area, level) => {
    for (let image = 0; image < batch; image++) {
      for (let channel = 0; channel < 4 * bins + classes; channel++) {
        const [kind, own, count] =
          channel < 4 * bins
            ? (['boxLogits', channel, 4 * bins] as const)
            : (['classLogits', channel - 4 * bins, classes] as const);
        for (let cell = 0; cell < area; cell++) {
          const index = (image * count + own) * area + cell;
          visit(place(sizes, 4 * bins + classes, { level, image, channel, cell }), kind, level, index);
        }
      }
    }
  });
}

/** Random outputs as one tensor. */
function store(sizes: HeadSizes, form: Form, outputs: HeadOutputs) {
  const channels = 4 * sizes.bins + sizes.classes;
  const values = new Float32Array(sizes.batch * channels * sum(areasOf(sizes)));
  eachLogit(sizes, form, (place, kind, level, index) => {
    values[place] = outputs[kind][level][index];
  });
  const [boxLogits, classLogits] = form.layout(sizes, channels, device.tensor(values));
  return { classLogits, boxLogits };
}

describe('one tensor for box and class logits, points in the middle of cells', () => {
  const cases = Object.entries(FORMS).flatMap(([name, form]) =>
    ([16, 17] as const).map((bins) => [name, bins, form] as const),
  );
  test.each(cases)('%s, %d bins: terms and one gradient', async (_name, bins, form) => {
    const sizes = { ...SIZES, bins };
    const [student, teacher] = [randomOutputs(sizes, 1, 2), randomOutputs(sizes, 1001, 2)];
    const settings = referenceSettings(sizes, { centreOffset: 0.5 });
    const expected = headLossOracle({ student, teacher, truth: TRUTHS, settings });
    const result = makeLoss(sizes, { centreOffset: 0.5 }).evaluate({
      student: store(sizes, form, student),
      teacher: store(sizes, form, teacher),
      truth: uploadTruths(device, sizes, TRUTHS),
    });
    const { terms } = await result.read();
    for (const name of TERM_NAMES)
      expectClose(terms[name], expected.terms[name], { relative: 2e-5, absolute: 1e-7 }, name);
    expect(sum(terms.loss_ld_vlr)).toBeGreaterThan(0);
    expect(result.gradients.classLogits).toBe(result.gradients.boxLogits);
    const gradient = await result.gradients.boxLogits.read();
    for (const kind of ['classLogits', 'boxLogits'] as const) {
      const [want, actual]: number[][] = [[], []];
      eachLogit(sizes, form, (place, own, level, index) => {
        if (own !== kind) return;
        want.push(expected.gradients[kind][level][index]);
        actual.push(gradient[place]);
      });
      // as in headLoss.test.ts: the rounding of sums of f32 products
      const largest = want.reduce((most, g) => Math.max(most, Math.abs(g)), 0);
      expectClose(actual, want, { absolute: 2e-5 * largest }, kind);
    }
  });

  test("the paper's VLR", async () => {
    const [student, teacher] = [randomOutputs(SIZES, 1, 2), randomOutputs(SIZES, 1001, 2)];
    const settings = referenceSettings(SIZES, { centreOffset: 0.5, vlr: { form: 'paper', gamma: 0.25 } });
    const expected = headLossOracle({ student, teacher, truth: TRUTHS, settings });
    const loss = makeLoss(SIZES, { centreOffset: 0.5, recipe: { ...RECIPE, regions: { vlr: 'paper' } } });
    const { terms } = await loss
      .evaluate({
        student: store(SIZES, YOLO, student),
        teacher: store(SIZES, YOLO, teacher),
        truth: uploadTruths(device, SIZES, TRUTHS),
      })
      .read();
    for (const name of TERM_NAMES)
      expectClose(terms[name], expected.terms[name], { relative: 2e-5, absolute: 1e-7 }, name);
  });
});

test('strides in any order: the same losses, level by level', async () => {
  const outputs = [randomOutputs(SIZES, 1, 2), randomOutputs(SIZES, 1001, 2)];
  const backwards = { ...SIZES, strides: [...SIZES.strides].reverse() };
  const read = (sizes: HeadSizes, [student, teacher]: HeadOutputs[]) =>
    makeLoss(sizes)
      .evaluate({
        student: store(sizes, YOLO, student),
        teacher: store(sizes, YOLO, teacher),
        truth: uploadTruths(device, sizes, TRUTHS),
      })
      .read();
  const turned = outputs.map(({ classLogits, boxLogits }) => ({
    classLogits: [...classLogits].reverse(),
    boxLogits: [...boxLogits].reverse(),
  }));
  const [finest, coarsest] = [await read(SIZES, outputs), await read(backwards, turned)];
  for (const name of TERM_NAMES)
    expectClose([...coarsest.terms[name]].reverse(), finest.terms[name], { relative: 1e-6 }, name);
});

/** Student and teacher as rows, class and box logits apart, and truth. */
function scene(seed = 1) {
  const rows = ({ classLogits, boxLogits }: HeadOutputs) => ({
    classLogits: uploadRows(device, SIZES, classLogits),
    boxLogits: uploadRows(device, SIZES, boxLogits),
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
    const loss = makeLoss(SIZES);
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
    const student = store(SIZES, YOLO, randomOutputs(SIZES, 1, 2));
    const { teacher, truth } = scene();
    const loss = makeLoss(SIZES);
    const one = await loss.evaluate({ student, teacher, truth }).gradients.boxLogits.read();
    const gradients = { classLogits: borrowed(one.length), boxLogits: borrowed(one.length) };
    for (const tensor of Object.values(gradients)) tensor.write(new Float32Array(tensor.size).fill(7));
    loss.evaluate({ student, teacher, truth, gradients });
    const [classes, boxes] = [await gradients.classLogits.read(), await gradients.boxLogits.read()];
    expect(classes.map((g, i) => g + boxes[i])).toEqual(one);
    let wrong = 0;
    eachLogit(SIZES, YOLO, (place, kind) => {
      if ((kind === 'classLogits' ? boxes : classes)[place] !== 0) wrong++;
    });
    expect(wrong).toBe(0);
  });

  test.each(['classLogits', 'boxLogits'] as const)(
    '%s alone, for logits that share a tensor: it serves both',
    async (key) => {
      const student = store(SIZES, YOLO, randomOutputs(SIZES, 1, 2));
      const { teacher, truth } = scene();
      const loss = makeLoss(SIZES);
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
    const loss = makeLoss(SIZES);
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
      makeLoss(SIZES).evaluate({ student: { ...student, classLogits: { tensor, layout } }, teacher, truth }),
    ).toThrow(/student\.classLogits: level 0 of its layout reaches element \d+ of a tensor of \d+/);
  });

  test('one layout for both kinds', () => {
    const { teacher, truth } = scene();
    const maps = {
      tensor: device.zeros([SIZES.batch, channels, sum(areas)]),
      layout: channelMajorLayout(channels, areas),
    };
    expect(() => makeLoss(SIZES).evaluate({ student: { classLogits: maps, boxLogits: maps }, teacher, truth })).toThrow(
      /begin at the same element.*channelsFrom/,
    );
  });

  test('integers', () => {
    const { student, teacher, truth } = scene();
    const tensor = device.zeros([SIZES.batch, sum(areas), SIZES.classes], 'i32');
    const classLogits = { tensor, layout: rowMajorLayout(SIZES.classes, areas) };
    expect(() => makeLoss(SIZES).evaluate({ student: { ...student, classLogits }, teacher, truth })).toThrow(
      /student\.classLogits: elements of i32/,
    );
  });

  test('a tensor of another device', async () => {
    const other = await openDevice();
    try {
      const { student, teacher, truth } = scene();
      const foreign = uploadOutputs(other, SIZES, randomOutputs(SIZES, 1, 2));
      const loss = makeLoss(SIZES);
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
    const result = makeLoss(SIZES).evaluate({ student: { ...student, classLogits }, teacher, truth });
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
    const loss = makeLoss(SIZES);
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
    const loss = makeLoss(SIZES);
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
    const student = store(SIZES, YOLO, randomOutputs(SIZES, 1, 2));
    const teacher = store(SIZES, YOLO, randomOutputs(SIZES, 2, 2));
    const truth = uploadTruths(device, SIZES, TRUTHS);
    const loss = makeLoss(SIZES);
    const gradient = borrowed(tensorOf(student.boxLogits).size);
    const gradients = { classLogits: gradient, boxLogits: gradient };
    const evaluate = () => loss.evaluate({ student, teacher, truth, gradients });
    // The first one makes the uniforms and the working memory.
    evaluate().dispose();
    const { dispatches } = device;
    expect(counted(() => evaluate().dispose())).toEqual({});
    expect(device.dispatches - dispatches).toBe(9);
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
