import { describe, expect, test } from 'vitest';
import { assertMaps, layoutOf, rowMajorLayout } from '../../src/tensor/layout.js';
import { Pyramid } from '../../src/tensor/pyramid.js';
import { Tensor } from '../../src/tensor/tensor.js';
import { sharedDevice } from '../device.js';

const device = await sharedDevice();

const STORAGE = 0x80 | 0x04 | 0x08;

describe('Tensor', () => {
  test.each([
    ['f32', new Float32Array([1.5, -2, 3])],
    ['i32', new Int32Array([1, -2, 3])],
    ['u32', new Uint32Array([1, 2, 4_000_000_000])],
  ] as const)('%s values come back', async (type, values) => {
    const tensor = device.tensor(values);
    expect(tensor.type).toBe(type);
    expect(await tensor.read()).toEqual(values);
  });

  test('an empty tensor', async () => {
    expect((await device.tensor([], [0, 4]).read()).length).toBe(0);
    expect((await device.zeros([0]).read()).length).toBe(0);
  });

  test('views share the memory', async () => {
    const alignment = device.gpu.limits.minStorageBufferOffsetAlignment / 4;
    const tensor = device.zeros([2 * alignment]);
    tensor.view([2], alignment).write([7, 8]);
    expect([...(await tensor.read()).subarray(alignment, alignment + 3)]).toEqual([7, 8, 0]);
    expect(() => tensor.view([2], 1)).toThrow(/offset: 4 bytes is not a multiple/);
    expect(() => tensor.view([alignment + 1], alignment)).toThrow(/ends beyond/);
  });

  test('borrows a foreign buffer and leaves it alone', async () => {
    const buffer = device.gpu.createBuffer({ size: 1024, usage: STORAGE });
    const tensor = Tensor.borrow(device, buffer, [3], 512);
    tensor.write([1, 2, 3]);
    const used = device.pool.usedBytes;
    tensor.dispose();
    expect(device.pool.usedBytes).toBe(used);
    expect([...(await Tensor.borrow(device, buffer, [4], 512).read())]).toEqual([1, 2, 3, 0]);
    buffer.destroy();
  });

  test('what cannot be borrowed is named', () => {
    const buffer = device.gpu.createBuffer({ size: 64, usage: STORAGE });
    expect(() => Tensor.borrow(device, buffer, [17])).toThrow(/64 bytes.*needs 68/);
    expect(() => Tensor.borrow(device, buffer, [1.5])).toThrow(/not a list of non-negative integers/);
    expect(() => Tensor.borrow(device, buffer, [15]).range4).not.toThrow();
    const bare = device.gpu.createBuffer({ size: 64, usage: 0x08 });
    expect(() => Tensor.borrow(device, bare, [1])).toThrow(/lacks the usage STORAGE/);
    const odd = device.gpu.createBuffer({ size: 12, usage: STORAGE });
    expect(() => Tensor.borrow(device, odd, [3]).range4).toThrow(/make it 16 bytes/);
    for (const each of [buffer, bare, odd]) each.destroy();
  });

  test('wrong counts and use after dispose are errors', () => {
    const tensor = device.tensor([1, 2]);
    expect(() => tensor.write([1])).toThrow(/1 values for a tensor of shape \[2\]/);
    tensor.dispose();
    expect(() => tensor.range).toThrow(/disposed/);
  });
});

describe('tidy', () => {
  test('gives back all but the result and what was kept', () => {
    const before = device.pool.usedBytes;
    let kept: Tensor | undefined;
    const { result } = device.tidy(() => {
      device.tensor([1, 2, 3]);
      kept = device.keep(device.tensor([4]));
      return { result: [device.tensor([5])] };
    });
    expect(result[0].disposed).toBe(false);
    expect(kept?.disposed).toBe(false);
    expect(device.pool.usedBytes).toBe(before + 512);
    for (const tensor of [...result, kept]) tensor?.dispose();
    expect(device.pool.usedBytes).toBe(before);
  });

  test('an inner result belongs to the outer scope; an error gives everything back', () => {
    const before = device.pool.usedBytes;
    device.tidy(() => {
      device.tidy(() => device.tensor([1]));
    });
    expect(() =>
      device.tidy(() => {
        device.tensor([1]);
        throw new Error('inside');
      }),
    ).toThrow('inside');
    expect(device.pool.usedBytes).toBe(before);
  });
});

describe('Pyramid and layouts', () => {
  const SIZES = [
    { height: 2, width: 3 },
    { height: 1, width: 2 },
  ];

  test('levels follow one another', () => {
    const pyramid = Pyramid.empty(device, 2, 5, SIZES);
    expect(pyramid.size).toBe(2 * 5 * 8);
    expect(pyramid.levels.map(({ start, offset }) => [start, offset])).toEqual([
      [0, 0],
      [6, 60],
    ]);
    expect(layoutOf(pyramid)).toEqual([
      { offset: 0, batch: 30, channel: 6, location: 1 },
      { offset: 60, batch: 10, channel: 2, location: 1 },
    ]);
    pyramid.dispose();
  });

  test('a tensor of another size is no pyramid', () => {
    expect(() => Pyramid.of(device.tensor([1, 2]), 1, 1, SIZES)).toThrow(/levels 2×3, 1×2 are 8 elements.*has 2/);
    expect(() => Pyramid.empty(device, 1, 1, [])).toThrow(/sizes: \[\]; expected an array/);
  });

  test('row-major rows', () => {
    expect(rowMajorLayout(5, [6, 2])).toEqual([
      { offset: 0, batch: 40, channel: 1, location: 5 },
      { offset: 30, batch: 40, channel: 1, location: 5 },
    ]);
  });

  test('maps that do not fit are named', () => {
    const expected = { batch: 2, channels: 5, areas: [6, 2], meaning: 'classes' };
    const rows = { tensor: device.zeros([80]), layout: rowMajorLayout(5, [6, 2]) };
    expect(() => assertMaps('logits', rows, expected)).not.toThrow();
    expect(() => assertMaps('logits', { ...rows, tensor: device.zeros([79]) }, expected)).toThrow(
      /logits: level 1.*79/,
    );
    expect(() => assertMaps('logits', rows, { ...expected, areas: [6] })).toThrow(/2 levels; the grid has 1/);
    const fraction = rows.layout.map((level) => ({ ...level, channel: 0.5 }));
    expect(() => assertMaps('logits', { ...rows, layout: fraction }, expected)).toThrow(
      /logits\.layout\[0\]\.channel: 0\.5; expected an integer of at least 0/,
    );
    expect(() => assertMaps('logits', Pyramid.empty(device, 1, 5, SIZES), expected)).toThrow(
      /a batch of 1; expected 2/,
    );
  });
});
