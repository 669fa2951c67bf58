import { onnx } from 'onnx-proto';
import { expect, test } from 'vitest';
import { openCast, type Start } from '../../src/web/cast.js';
import { DISTILLATION, type DroppedFile, STUDENT_DEFAULTS } from '../../src/web/protocol.js';
import { sharedDevice } from '../device.js';
import { CLASSES, gfocalStudent, picodetStudent, SIDE, type StudentModel } from '../onnx/graph/studentModels.js';

const device = await sharedDevice();

const file = (path: string, content: string | Uint8Array): DroppedFile => ({
  path,
  file: new File([content as Uint8Array<ArrayBuffer>], path.split('/').at(-1)!),
});
const given = (name: string, { model, mapping }: StudentModel, changes: object = {}) => ({
  model: file(`${name}.onnx`, model),
  mapping: file(`${name}.json`, JSON.stringify({ ...mapping, ...changes })),
  beside: [],
});

/** The model with its initializers in another file, as PyTorch's exporter leaves them. */
function split({ model, ...rest }: StudentModel) {
  const decoded = onnx.ModelProto.decode(model);
  const parts: Uint8Array[] = [];
  let offset = 0;
  for (const tensor of decoded.graph!.initializer!) {
    const values = tensor.rawData!;
    const place = { location: 'm.onnx.data', offset: String(offset), length: String(values.length) };
    tensor.externalData = Object.entries(place).map(([key, value]) => ({ key, value }));
    tensor.dataLocation = 1;
    tensor.rawData = new Uint8Array();
    parts.push(values);
    offset += values.length;
  }
  const [whole, weights] = [onnx.ModelProto.encode(decoded).finish(), Buffer.concat(parts)];
  return { ...given('m', { ...rest, model: whole }), beside: [file('d/LICENSE', ''), file('d/m.onnx.data', weights)] };
}

/** Images are decoded when they are looked at, which nothing here does. */
function data(name: string, ids: number[], classes = CLASSES): DroppedFile[] {
  const annotations = {
    images: ids.map((id) => ({ id, file_name: `${id}.png`, width: 64, height: 64 })),
    categories: classes.map((one, i) => ({ id: i + 1, name: one })),
    annotations: ids.map((id) => ({ image_id: id, category_id: 1, bbox: [4, 4, 20, 20] })),
  };
  return [
    file(`d/annotations/${name}`, JSON.stringify(annotations)),
    ...ids.map((id) => file(`d/images/${id}.png`, '')),
  ];
}

const start = (changes: Partial<Start>, student: object = {}): Start => ({
  kind: 'start',
  files: data('all.json', [1, 2, 3]),
  student: { ...STUDENT_DEFAULTS, ...given('gfocal', gfocalStudent()), ...student },
  teacher: 'none',
  seed: 1,
  distillation: DISTILLATION,
  ...changes,
});
const open = (...parameters: Parameters<typeof start>) => openCast(device, start(...parameters), 'http://localhost/');

async function dispose(cast: Promise<Awaited<ReturnType<typeof openCast>>>) {
  const { nets, ...rest } = await cast;
  for (const net of Object.values(nets)) net.dispose();
  return { nets, ...rest };
}

test('a dropped model learns alone, or twice beside a teacher of its head', async () => {
  const alone = await dispose(open({}, { steps: 7 }));
  expect(Object.keys(alone.nets)).toEqual(['without']);
  expect(alone).toMatchObject({ learning: ['without'], size: { width: SIDE, height: SIDE }, steps: 7 });
  expect(alone.images).toMatchObject({ sameImages: true, train: { length: 3 } });
  const { nets, learning, settingsOf, recipeOf } = await dispose(open({ teacher: 'live' }));
  expect(learning).toEqual(['teacher', 'with', 'without']);
  expect(nets.teacher?.config).toMatchObject({ bins: nets.without.config.bins, strides: nets.without.config.strides });
  expect(settingsOf('teacher').learningRate).toBeGreaterThan(settingsOf('with').learningRate);
  expect(recipeOf('teacher', DISTILLATION).regions.centreOffset).toBe(0.5);
});

test('a dropped teacher is frozen, and keeps its own head', async () => {
  const teacher = given('picodet', picodetStudent(), { centreOffset: 0 });
  const { nets, learning, recipeOf } = await dispose(open({ teacher }));
  expect(learning).toEqual(['with', 'without']);
  expect(nets.teacher?.centreOffset).toBe(0);
  expect(recipeOf('teacher', DISTILLATION).regions.centreOffset).toBe(0);
  expect(recipeOf('with', DISTILLATION).regions.centreOffset).toBe(0.5);
});

test('annotations of train and val are the splits, whatever else is there', async () => {
  const files = [...data('train.json', [1, 2, 3]), ...data('val.json', [4, 5]), ...data('test.json', [6])];
  const { images } = await dispose(open({ files }));
  expect(images).toMatchObject({ sameImages: false, train: { length: 3 }, validation: { length: 2 } });
  const others = [...data('train.json', [1, 2]), ...data('val.json', [4, 5], ['cat', 'dog'])];
  await expect(open({ files: others })).rejects.toThrow(/^classes: train\.json has 3 .* val\.json 2/);
  const unclear = [...data('a.json', [1, 2]), ...data('b.json', [4, 5])];
  await expect(open({ files: unclear })).rejects.toThrow(/^2 of the 6 files are JSON; .* train\.json and val\.json/);
});

test('weights may lie in a file beside the model', async () => {
  const parametersOf = async (student: object) => {
    const { nets } = await open({}, student);
    const values = await nets.without.parameters.values.read();
    for (const net of Object.values(nets)) net.dispose();
    return values;
  };
  const whole = gfocalStudent();
  expect(await parametersOf(split(whole))).toEqual(await parametersOf(given('m', whole)));
  await expect(open({}, { ...split(whole), beside: [] })).rejects.toThrow(
    /^m\.onnx: its weights are in "?m\.onnx\.data"?, which was not dropped\. Drop both together/,
  );
});

test('new classes are the data’s', async () => {
  const files = data('all.json', [1, 2], ['dog', 'hen']);
  await expect(open({ files })).rejects.toThrow(/^gfocal\.onnx: the model has no class for hen/);
  const { nets } = await dispose(open({ files }, { newClasses: true }));
  expect(nets.without.config.classes).toBe(2);
});

test.each<[string, Partial<Start>, object, RegExp]>([
  ['no images', { files: null }, {}, /^gfocal\.onnx: drop the images/],
  ['no model', {}, { model: file('m.onnx', 'no') }, /^m\.onnx is no ONNX model/],
  ['no JSON', {}, { mapping: file('m.json', '{') }, /^m\.json is not JSON: line 1/],
  ['no mapping', {}, { mapping: file('m.json', '{}') }, /^m\.json: .*missing/],
  ['another model’s mapping', {}, given('m', gfocalStudent(), { bins: 9 }), /^edges\.8: shape/],
  [
    'a size that does not fit',
    {},
    given('m', picodetStudent(), { strides: [8, 16, 32] }),
    /no tensor holds the classes/,
  ],
  ['no steps', {}, { steps: Number.NaN }, /^steps: /],
])('%s gives one line', async (_, changes, student, message) => {
  const before = device.pool.usedBytes;
  await expect(open(changes, student)).rejects.toThrow(message);
  await device.settled();
  expect(device.pool.usedBytes).toBe(before);
});
