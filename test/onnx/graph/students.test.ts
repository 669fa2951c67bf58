import { InferenceSession, Tensor as OnnxTensor } from 'onnxruntime-web';
import { expect, test } from 'vitest';
import { backward } from '../../../src/autograd/variable.js';
import { exportStudent } from '../../../src/onnx/graph/exportStudent.js';
import { replaceClasses } from '../../../src/onnx/graph/replaceClasses.js';
import { GraphStudent } from '../../../src/onnx/graph/student.js';
import { OnnxModel } from '../../../src/onnx/model.js';
import { Pyramid } from '../../../src/tensor/pyramid.js';
import { Random } from '../../../src/tensor/random.js';
import { sharedDevice } from '../../device.js';
import { CLASSES, gfocalStudent, picodetStudent, SIDE, type StudentModel, yoloStudent } from './studentModels.js';

const device = await sharedDevice();

const SIZE = { width: SIDE, height: SIDE };
const BATCH = 2;
const IMAGES = drawn(BATCH * 3 * SIDE * SIDE, 1);
/** Half the distance of a central difference, along a direction of length √2. */
const STEP = 1e-3;

const MODELS: [string, () => StudentModel][] = [
  ['YOLOv8', yoloStudent],
  ['PicoDet', picodetStudent],
  ['GFocal', gfocalStudent],
];

function drawn(size: number, seed: number): Float32Array<ArrayBuffer> {
  const random = Random.of(seed);
  return Float32Array.from({ length: size }, () => random.normal());
}

/** Largest difference, relative to the largest value. */
function worst(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  expect(actual.length).toBe(expected.length);
  let [most, largest] = [0, 1e-30];
  for (let i = 0; i < expected.length; i++) {
    most = Math.max(most, Math.abs(actual[i] - expected[i]));
    largest = Math.max(largest, Math.abs(expected[i]));
  }
  return most / largest;
}

type Opened = Pick<StudentModel, 'model' | 'mapping'>;

/** By ONNX Runtime, in the order of pyramids. */
async function runtime(small: Opened, classes: readonly string[] = CLASSES) {
  const model = await OnnxModel.open({ ...small, classes, ...SIZE });
  const outputs = await model.run(IMAGES, BATCH);
  await model.release();
  return outputs;
}

async function forward(student: GraphStudent) {
  const input = device.tensor(IMAGES);
  const outputs = student.forward(Pyramid.of(input, BATCH, 3, [SIZE]), { training: false });
  const [classLogits, boxLogits] = [await outputs.classLogits.value.read(), await outputs.boxLogits.value.read()];
  const features = await outputs.features?.value.read();
  for (const { value } of Object.values(outputs)) value.dispose();
  input.dispose();
  return { classLogits, boxLogits, features };
}

async function assertSame(student: GraphStudent, small: Opened, classes: readonly string[] = CLASSES) {
  const [own, expected] = [await forward(student), await runtime(small, classes)];
  expect(worst(own.classLogits, expected.classLogits)).toBeLessThan(1e-4);
  expect(worst(own.boxLogits, expected.boxLogits)).toBeLessThan(1e-4);
}

async function weightsOf({ parameters }: GraphStudent) {
  return parameters.split((await parameters.values.read()) as Float32Array);
}

test.each(MODELS)('%s: the student is what ONNX Runtime computes, and goes back into its file', async (name, make) => {
  const small = make();
  const student = await GraphStudent.open(device, { ...small, classes: CLASSES, ...SIZE, name });
  expect(student.parameters.names).toEqual(expect.arrayContaining(small.parameters));
  await assertSame(student, small);

  const same = await exportStudent({ ...small, name, weights: await weightsOf(student) });
  expect(Buffer.compare(same.model.subarray(0, small.model.length), small.model)).toBe(0);
  const { parameters } = student;
  parameters.values.write(
    ((await parameters.values.read()) as Float32Array).map((value, i) => value + 0.05 * Math.sin(i)),
  );
  const changed = await exportStudent({
    ...small,
    name,
    weights: await weightsOf(student),
    metadata: { recipe: 'ld' },
  });
  await assertSame(student, changed);
  expect(Buffer.from(changed.model).includes('edgewise.recipe')).toBe(true);
  student.dispose();
});

test.each(MODELS)('%s: gradients are central differences of the exported file', async (name, make) => {
  const small = make();
  const student = await GraphStudent.open(device, { ...small, classes: CLASSES, ...SIZE, name });
  const { parameters } = student;
  const seeds: Float32Array[] = [];
  const flat = device.tidy(() => {
    parameters.zeroGradients();
    const { classLogits, boxLogits } = student.forward(Pyramid.of(device.tensor(IMAGES), BATCH, 3, [SIZE]), {
      training: true,
    });
    backward(
      [classLogits, boxLogits].map((variable, i) => {
        seeds.push(drawn(variable.value.size, 7 + i));
        return { variable, gradient: device.tensor(seeds[i]) };
      }),
    );
    return parameters.gradients.read();
  });
  const gradients = parameters.split((await flat) as Float32Array);
  const weights = await weightsOf(student);
  student.dispose();
  const lossOf = async (part: string, direction: Float32Array, side: number) => {
    const { shape, data } = weights.get(part)!;
    const moved = new Map([[part, { shape, data: data.map((value, i) => value + side * STEP * direction[i]) }]]);
    const { classLogits, boxLogits } = await runtime(await exportStudent({ ...small, weights: moved }));
    return [classLogits, boxLogits].reduce(
      (sum, logits, i) => logits.reduce((all, one, j) => all + one * seeds[i][j], sum),
      0,
    );
  };
  for (const [place, part] of small.parameters.entries()) {
    const gradient = gradients.get(part)!.data;
    const norm = Math.hypot(...gradient);
    const random = drawn(gradient.length, 20 + place);
    const away = Math.hypot(...random);
    const direction = gradient.map((value, i) => value / norm + random[i] / away);
    const analytic = gradient.reduce((sum, value, i) => sum + value * direction[i], 0);
    const numeric = ((await lossOf(part, direction, 1)) - (await lossOf(part, direction, -1))) / (2 * STEP);
    // Kinks of ReLU, and rounding of f32 outputs.
    expect(Math.abs(numeric - analytic), part).toBeLessThan(2e-2 * norm + 2e-2);
  }
});

/** All outputs of a file, decoded ones included. */
async function fileOutputs({ model }: Opened) {
  const session = await InferenceSession.create(model, { logSeverityLevel: 4 });
  const image = new OnnxTensor('float32', IMAGES.slice(0, 3 * SIDE * SIDE), [1, 3, SIDE, SIDE]);
  const found = await session.run({ images: image });
  const declared = session.outputMetadata.map((port) => (port.isTensor ? [...port.shape] : []));
  await session.release();
  return { found, declared: new Map(session.outputNames.map((output, i) => [output, declared[i]])) };
}

const NEW: [string, string[]][] = [
  ['three, one of them known', ['bird', 'cow', 'fish']],
  ['one', ['thing']],
  ['a subset', ['cow', 'cat']],
  ['eighty', Array.from({ length: 80 }, (_, i) => (i === 41 ? 'dog' : `class ${i}`))],
];

test.each(MODELS)('%s: the classes are replaced, in all of the file', async (name, make) => {
  const small = make();
  const [before, all] = [await runtime(small), await fileOutputs(small)];
  for (const [, classes] of NEW) {
    const options = { ...small, classes, ...SIZE, name, seed: 5 };
    const replaced = await replaceClasses(options);
    expect(replaced.mapping.classes).toEqual(classes);
    const after = await runtime(replaced, classes);
    expect(after.boxLogits).toEqual(before.boxLogits);
    const area = BATCH * 16;
    const rowsOf = (logits: Float32Array, count: number, channel: number) =>
      [0, 1].flatMap((image) => [...logits.slice((image * count + channel) * 16, (image * count + channel + 1) * 16)]);
    for (const [channel, one] of classes.entries()) {
      const rows = rowsOf(after.classLogits, classes.length, channel);
      const known = CLASSES.indexOf(one);
      if (known >= 0) expect(worst(rows, rowsOf(before.classLogits, 3, known))).toBeLessThan(1e-5);
      // New ones say 0.01 everywhere, nearly.
      else for (const value of rows) expect(Math.abs(value + Math.log(99))).toBeLessThan(0.5);
      expect(rows).toHaveLength(area);
    }
    const { found, declared } = await fileOutputs(replaced);
    for (const [output, { dims }] of Object.entries(found)) {
      const old = all.found[output].dims;
      const shrunk = dims.map((extent, axis) => extent - old[axis]);
      const held = shrunk.filter((one) => one !== 0);
      expect(held).toEqual(output.startsWith('edges') || classes.length === 3 ? [] : [classes.length - 3]);
      const said = declared.get(output)!;
      for (const [axis, extent] of said.entries()) if (typeof extent === 'number') expect(extent).toBe(dims[axis]);
    }
    const student = await GraphStudent.open(device, { ...options, newClasses: true });
    expect(Buffer.compare(student.model, replaced.model)).toBe(0);
    await assertSame(student, replaced, classes);
    student.dispose();
  }
});

test('features that the mapping names are maps of the pyramid', async () => {
  const small = gfocalStudent();
  const student = await GraphStudent.open(device, { ...small, classes: CLASSES, ...SIZE });
  expect(student.featureChannels).toBe(8);
  const { features } = await forward(student);
  const [fine] = small.mapping.features!;
  const [level8, level16] = [8 * 16, 8 * 4];
  expect(features).toHaveLength(BATCH * (level8 + level16));
  const session = await OnnxModel.open({
    ...small,
    classes: CLASSES,
    ...SIZE,
    // Its eight channels as the boxes of one bin more.
    mapping: {
      ...small.mapping,
      ...{ strides: [8], bins: 2, features: undefined as never },
      tensors: [
        { tensor: fine, axes: 'BCHW', strides: [8], channels: ['boxes'] },
        { tensor: 'scores.8', axes: 'BCHW', strides: [8], channels: ['classes'] },
      ],
    },
  });
  const expected = await session.run(IMAGES, BATCH);
  await session.release();
  expect(worst(features!.slice(0, BATCH * level8), expected.boxLogits)).toBeLessThan(1e-4);
  student.dispose();
});
