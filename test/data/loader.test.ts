import { expect, test } from 'vitest';
import { type Batch, Loader, type LoaderOptions } from '../../src/data/loader.js';
import { shapesDataset } from '../../src/data/shapes.js';
import type { ImageSource } from '../../src/data/source.js';
import { InputError } from '../../src/util/error.js';

const OPTIONS: LoaderOptions = {
  ...{ batch: 4, height: 48, width: 64, seed: 3, augment: true, shuffle: true, dropLast: true },
};

/** Images 32×16, `id` 100 + index, index % 3 boxes and one ignored region in every other image. */
function source(length: number, onLoad: (index: number) => void = () => undefined): ImageSource {
  return {
    length,
    classes: [{ id: 1, name: 'thing' }],
    async load(index) {
      onLoad(index);
      const count = index % 3;
      return {
        pixels: new Uint8Array(32 * 16 * 3).fill(index),
        ...{ width: 32, height: 16, id: 100 + index },
        boxes: Float32Array.from(Array(count).fill([8, 4, 16, 12]).flat()),
        labels: new Int32Array(count),
        ignore: Float32Array.from(index % 2 ? [0, 0, 4, 4] : []),
      };
    },
  };
}

async function collect(batches: AsyncIterable<Batch>): Promise<Batch[]> {
  const all: Batch[] = [];
  for await (const batch of batches) all.push(batch);
  return all;
}

test('a batch holds the images of its ids, fitted to the frame, with their objects', async () => {
  const loader = new Loader(source(5), { ...OPTIONS, augment: false, shuffle: false, dropLast: false });
  expect(loader.steps).toBe(2);
  const [first, last] = await collect(loader.batches(0));
  expect(first.ids).toEqual([100, 101, 102, 103]);
  expect(first.scales).toEqual([2, 2, 2, 2]);
  expect([...first.imageIndex]).toEqual([1, 2, 2]);
  expect([...first.boxes]).toEqual([16, 8, 32, 24, 16, 8, 32, 24, 16, 8, 32, 24]);
  expect([...first.labels]).toEqual([0, 0, 0]);
  expect([...first.ignoreIndex]).toEqual([1, 3]);
  expect([...first.ignore]).toEqual([0, 0, 8, 8, 0, 0, 8, 8]);
  expect(first.images).toHaveLength(4 * 3 * 48 * 64);
  for (let image = 0; image < 4; image++) {
    const start = image * 3 * 48 * 64;
    expect(first.images[start]).toBeCloseTo((image - 123.675) / 58.395, 5);
    expect(first.images[start + 31 * 64 + 63]).toBeCloseTo((image - 123.675) / 58.395, 5);
    expect(first.images[start + 32 * 64]).toBe(0); // below the image
    expect(first.images[start + 48 * 64]).toBeCloseTo((image - 116.28) / 57.12, 5);
  }
  expect(last.ids).toEqual([104]);
  expect(last.images).toHaveLength(4 * 3 * 48 * 64);
  expect(last.images.subarray(3 * 48 * 64).every((value) => value === 0)).toBe(true);
});

test('every image comes once an epoch, in another order each epoch', async () => {
  const loader = new Loader(source(12), OPTIONS);
  const orders = [];
  for (const epoch of [0, 1]) orders.push((await collect(loader.batches(epoch))).flatMap(({ ids }) => ids));
  for (const order of orders) expect([...order].sort()).toEqual(Array.from({ length: 12 }, (_, i) => 100 + i));
  expect(orders[0]).not.toEqual(orders[1]);
  const dropping = new Loader(source(11), OPTIONS);
  expect((await collect(dropping.batches(0))).flatMap(({ ids }) => ids)).toHaveLength(8);
});

test('a training that goes on at any step sees the same batches', async () => {
  const shapes = shapesDataset({ count: 11, width: 48, height: 40, seed: 2 });
  const options = { ...OPTIONS, batch: 3, dropLast: false };
  const whole = await collect(new Loader(shapes, options).batches(5));
  for (let step = 0; step <= whole.length; step++)
    expect(await collect(new Loader(shapes, options).batches(5, step))).toEqual(whole.slice(step));

  // The same image is augmented differently in another epoch and under another seed.
  const unshuffled = { ...options, shuffle: false };
  const [a] = await collect(new Loader(shapes, unshuffled).batches(5));
  const [b] = await collect(new Loader(shapes, unshuffled).batches(6));
  const [c] = await collect(new Loader(shapes, { ...unshuffled, seed: 4 }).batches(5));
  expect(b.ids).toEqual(a.ids);
  expect(b.images).not.toEqual(a.images);
  expect(c.images).not.toEqual(a.images);
});

test('the two batches after the one handed out are under way, and no more', async () => {
  const loads: number[] = [];
  const loader = new Loader(
    source(24, (index) => loads.push(index)),
    { ...OPTIONS, shuffle: false },
  );
  const batches = loader.batches(0);
  await batches.next();
  expect(loads).toHaveLength(12);
  await batches.next();
  expect(loads).toHaveLength(16);
  await batches.return();
});

test('images are decoded once', async () => {
  let loads = 0;
  const loader = new Loader(
    source(12, () => loads++),
    OPTIONS,
  );
  await collect(loader.batches(0));
  await collect(loader.batches(1));
  expect(loads).toBe(12);
});

test('an image that cannot be decoded is reported at its own batch, and not at all to who stopped before', async () => {
  const failing = source(12, (index) => {
    if (index === 6) throw new InputError('image 6 cannot be decoded');
  });
  const options = { ...OPTIONS, shuffle: false };
  const batches = new Loader(failing, options).batches(0);
  expect((await batches.next()).value?.ids).toEqual([100, 101, 102, 103]);
  await expect(batches.next()).rejects.toThrow('image 6 cannot be decoded');

  const stopped = new Loader(failing, options).batches(0);
  await stopped.next();
  await stopped.return();
  await new Promise((resolve) => setTimeout(resolve, 20)); // an unhandled rejection would fail the run
});

test.each([
  [{ batch: 0 }, /batch is 0, expected a positive integer/],
  [{ height: 1.5 }, /height is 1\.5/],
  [
    { width: 16_384, height: 16_384 },
    /16384×16384 have more than the 1073741824 numbers .* make the images or the batch smaller/,
  ],
  [{ batch: 6 }, /batch is 6 but there are 5 images; make it smaller/],
])('%j is rejected', (change, message) => {
  expect(() => new Loader(source(5), { ...OPTIONS, ...change })).toThrow(message);
});

test('processes that share a batch make the images that one makes, each its part', async () => {
  const make = (share?: { part: number; of: number }) =>
    collect(new Loader(source(11), { ...OPTIONS, ...(share && { share }) }).batches(1));
  const [whole, first, second] = await Promise.all([make(), make({ part: 0, of: 2 }), make({ part: 1, of: 2 })]);
  expect(first).toHaveLength(whole.length);
  for (const [step, { ids, images, boxes, imageIndex }] of whole.entries()) {
    const parts = [first[step], second[step]];
    expect(parts.flatMap((part) => part.ids)).toEqual(ids);
    expect(parts.flatMap((part) => [...part.boxes])).toEqual([...boxes]);
    expect(parts.flatMap((part, i) => [...part.imageIndex].map((image) => image + 2 * i))).toEqual([...imageIndex]);
    expect(Float32Array.from(parts.flatMap((part) => [...part.images]))).toEqual(images);
  }
  expect(() => new Loader(source(11), { ...OPTIONS, share: { part: 0, of: 3 } })).toThrow(
    /batch is 4, which 3 processes cannot share equally/,
  );
});
