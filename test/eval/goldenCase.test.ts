import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readSafetensors, type SafetensorsFile, writeSafetensors } from '../../src/data/safetensors.js';
import { loadGoldenCase } from '../../src/eval/goldenCase.js';
import { checkGoldenCase } from '../../src/eval/goldenCheck.js';
import { sharedDevice } from '../device.js';

const CASE = 'test/golden/one-class.safetensors';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'edgewise-golden-'));
});
afterAll(() => rm(folder, { recursive: true }));

/** Writes a copy of a file in which something is different. */
async function variant(source: string, change: (file: SafetensorsFile) => void): Promise<string> {
  const file = await readSafetensors(source);
  change(file);
  const path = join(folder, 'variant.safetensors');
  await writeSafetensors(path, file.tensors, file.metadata);
  return path;
}

test.each<[string, (file: SafetensorsFile) => void, RegExp]>([
  [
    'a tensor',
    ({ tensors }) => tensors.delete('student.reg.2'),
    /tensor student\.reg\.2 is missing; expected \[1,68,5,5]/,
  ],
  [
    'an assignment',
    ({ tensors }) => tensors.delete('assign.vlr.4'),
    /tensor assign\.vlr\.4 is missing; expected \[1,4]/,
  ],
  ['labels', ({ tensors }) => tensors.delete('gt.labels.0'), /tensor gt\.labels\.0 is missing; expected \[7]/],
  ['metadata', ({ metadata }) => delete metadata.temperatureLd, /metadata temperatureLd is missing/],
])('a case without %s is told with file and key', async (_, change, message) => {
  const path = await variant(CASE, change);
  await expect(loadGoldenCase(path)).rejects.toThrow(message);
  await expect(loadGoldenCase(path)).rejects.toThrow(`${path} is no golden case`);
});

test.each([
  ['regMax', '7', 'tensor student.reg.0 is [1,68,20,20]; expected [1,32,20,20]'],
  ['classes', 'many', 'metadata classes is many; expected a positive integer'],
  ['strides', '8', 'metadata strides is 8; expected a list'],
  ['strides', '[8, 0]', 'metadata strides is [8, 0]; expected a list'],
  ['imitation', 'none', 'metadata imitation is none; expected one of fitnet'],
  ['losses', '{"loss_cls":[1]}', 'metadata losses is {"loss_cls":[1]}; expected for each term'],
  ['losses', '{"loss_x":[1,1,1,1,1]}', 'metadata losses has loss_x; expected'],
])('metadata %s of %s is told', async (key, value, message) => {
  const path = await variant(CASE, ({ metadata }) => {
    metadata[key] = value;
  });
  await expect(loadGoldenCase(path)).rejects.toThrow(message);
});

test('a label that is no class and a tensor of another type are told', async () => {
  const label = await variant(CASE, ({ tensors }) => void tensors.get('gt.labels.0')!.data.fill(1 as never));
  await expect(loadGoldenCase(label)).rejects.toThrow('tensor gt.labels.0 holds 1; expected classes below 1');
  const type = await variant(CASE, ({ tensors }) => {
    const { shape, data } = tensors.get('grad.cls.0')!;
    tensors.set('grad.cls.0', { dtype: 'F64', shape, data: Float64Array.from(data, Number) });
  });
  await expect(loadGoldenCase(type)).rejects.toThrow('tensor grad.cls.0 is F64; expected F32');
});

test('a case cut in half is told', async () => {
  const path = join(folder, 'half.safetensors');
  const bytes = await readFile(CASE);
  await writeFile(path, bytes.subarray(0, bytes.length / 2));
  await expect(loadGoldenCase(path)).rejects.toThrow(`${path} is not a whole safetensors file: cut short`);
});

test.each(['without its keys', 'with empty tensors'])(
  'an image without ground truth, %s, is all background',
  async (how) => {
    const path = await variant('test/golden/assign-ignored-regions.safetensors', ({ tensors }) => {
      for (const name of ['boxes', 'labels', 'ignore']) tensors.delete(`gt.${name}.1`);
      if (how === 'with empty tensors') {
        tensors.set('gt.boxes.1', { dtype: 'F32', shape: [0, 4], data: new Float32Array(0) });
        tensors.set('gt.labels.1', { dtype: 'I32', shape: [0], data: new Int32Array(0) });
      }
      const background = { label: 5, weight: 1, box: 0, vlr: 0, imitation: 0 };
      for (const [name, value] of Object.entries(background)) {
        for (let level = 0; level < 5; level++) {
          const { data } = tensors.get(`assign.${name}.${level}`)! as { data: Float32Array };
          data.fill(value, data.length / 2);
        }
      }
    });
    const device = await sharedDevice();
    try {
      const found = await checkGoldenCase(device, await loadGoldenCase(path));
      expect(found).toHaveLength(25);
      expect(found.filter(({ passed }) => !passed)).toEqual([]);
    } finally {
      await device.close();
    }
  },
);
