/** ONNX models whose maps are stored in f16, beside the same in f32. */
import { describe, expect, it } from 'vitest';
import { backward } from '../../../src/autograd/variable.js';
import { GraphStudent } from '../../../src/onnx/graph/student.js';
import { Pyramid } from '../../../src/tensor/pyramid.js';
import { Random } from '../../../src/tensor/random.js';
import type { StoredType } from '../../../src/tensor/stored.js';
import { bareDevice, sharedDevice } from '../../device.js';
import { CLASSES, gfocalStudent, picodetStudent, SIDE, type StudentModel, yoloStudent } from './studentModels.js';

const device = await sharedDevice();
const SIZE = { width: SIDE, height: SIDE };
const BATCH = 2;
const random = Random.of(1);
const IMAGES = Float32Array.from({ length: BATCH * 3 * SIDE * SIDE }, () => random.normal());

const open = (model: StudentModel, precision: StoredType) =>
  GraphStudent.open(device, { ...model, classes: CLASSES, ...SIZE, precision });

/** Of the difference, relative to the length of what is expected. */
function distance(actual: Float32Array, expected: Float32Array): number {
  const length = (values: Float32Array) => Math.sqrt(values.reduce((sum, value) => sum + value ** 2, 0));
  return length(actual.map((value, i) => value - expected[i])) / length(expected);
}

/** Logits, and the gradients that flow from them to all parameters. */
async function pass(student: GraphStudent, recompute: boolean) {
  const { parameters } = student;
  const seeds = Random.of(2);
  const outputs = device.tidy(() => {
    parameters.zeroGradients();
    const images = Pyramid.of(device.tensor(IMAGES), BATCH, 3, [SIZE]);
    const { classLogits, boxLogits } = student.forward(images, { training: true, recompute });
    const both = [classLogits, boxLogits];
    for (const variable of both) variable.retained = true;
    backward(
      both.map((variable) => ({
        variable,
        gradient: device.tensor(Float32Array.from({ length: variable.value.size }, () => seeds.normal())),
      })),
    );
    return both.map(({ value }) => value);
  });
  const logits = await Promise.all(outputs.map(async (value) => (await value.read()) as Float32Array));
  for (const value of outputs) value.dispose();
  return { logits, gradients: (await parameters.gradients.read()) as Float32Array };
}

describe.skipIf(!device.gpu.features.has('shader-f16'))('in f16', () => {
  it.each([
    ['YOLOv8', yoloStudent],
    ['PicoDet', picodetStudent],
    ['GFocal', gfocalStudent],
  ])(
    '%s: logits and gradients are those of f32 within a percent or two, and the same when computed again',
    async (_, make) => {
      const model = make();
      const [single, half] = [await open(model, 'f32'), await open(model, 'f16')];
      expect(half.precision).toBe('f16');
      const [expected, actual] = [await pass(single, false), await pass(half, false)];
      for (const [i, logits] of actual.logits.entries()) {
        const off = distance(logits, expected.logits[i]);
        expect(off).toBeGreaterThan(0);
        // Some twenty layers, each rounded to 11 bits.
        expect(off).toBeLessThan(0.01);
      }
      expect(distance(actual.gradients, expected.gradients)).toBeLessThan(0.03);
      expect(await pass(half, true)).toEqual(actual);

      const images = Pyramid.of(device.tensor(IMAGES), BATCH, 3, [SIZE]);
      const inferred = half.forward(images, { training: false });
      for (const [i, { value }] of [inferred.classLogits, inferred.boxLogits].entries()) {
        expect(await value.read()).toEqual(actual.logits[i]);
        value.dispose();
      }
      images.dispose();
      for (const student of [single, half]) student.dispose();
    },
  );
});

it('needs an adapter that has it', async () => {
  const options = { ...yoloStudent(), classes: CLASSES, ...SIZE };
  await expect(GraphStudent.open(await bareDevice(), { ...options, precision: 'f16' })).rejects.toThrow(
    /precision: f16 needs the feature shader-f16/,
  );
  const wrong = { ...options, precision: 'f8' as 'f16' };
  await expect(GraphStudent.open(device, wrong)).rejects.toThrow(/options\.precision: .*f8/);
});
