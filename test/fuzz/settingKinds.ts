import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readRecipe } from '../../src/cli/recipe.js';
import { shapesDataset } from '../../src/data/shapes.js';
import { completeChoices } from '../../src/gpu/choices.js';
import { readTuning, writeTuning } from '../../src/gpu/tuningFile.js';
import { recipeNames, resolveRecipe } from '../../src/losses/recipe.js';
import { readTeacherFolder } from '../../src/onnx/folder.js';
import { mapClasses, readMapping } from '../../src/onnx/mapping.js';
import { fixedSizeOf, withOutputs } from '../../src/onnx/outputs.js';
import { protobuf } from '../../src/onnx/protobuf.js';
import { readModel } from '../../src/onnx/readModel.js';
import { planJobs } from '../../src/study/jobs.js';
import { readPlan } from '../../src/study/plan.js';
import type { FuzzKind } from './kind.js';
import { mutateBytes, mutateJson, pick } from './mutate.js';

/** Every number of a value, so that NaN among them is seen. */
const numbersIn = (value: unknown) =>
  JSON.stringify(value, (_, inner) => (typeof inner === 'number' ? String(inner) : inner));

const recipe: FuzzKind = {
  name: 'recipe',
  async write(folder, random) {
    const whole = resolveRecipe(pick(random, recipeNames));
    await writeFile(join(folder, 'recipe.json'), mutateJson(whole, random));
  },
  read: async (folder) => numbersIn(await readRecipe(join(folder, 'recipe.json'))),
  command: ['regions', 'shapes', '--images', '1', '--recipe', 'recipe.json'],
};

const PLAN = {
  name: 'made',
  seeds: [0, 1],
  student: { size: 'tiny', strides: [8, 16, 32], bins: 17 },
  settings: { epochs: 2, learningRate: 0.01 },
  teachers: { big: { size: 'small', settings: { epochs: 3 } } },
  teacher: 'big',
  methods: [
    { name: 'plain', recipe: 'gfocal' },
    { name: 'LD', recipe: { ld: { main: 0.25 } }, settings: { batch: 2 } },
  ],
  tables: [{ title: 'Both', baseline: 'plain', methods: ['LD'] }],
  curves: [{ title: 'Weight', label: 'λ', x: { plain: 0, LD: 0.25 } }],
};
const IMAGES = { width: 64, height: 64 };
const DATA = {
  name: 'shapes',
  path: 'shapes',
  train: shapesDataset({ count: 4, seed: 1, ...IMAGES }),
  validation: shapesDataset({ count: 2, seed: 2, ...IMAGES }),
  ...IMAGES,
};

const plan: FuzzKind = {
  name: 'plan',
  async write(folder, random) {
    await writeFile(join(folder, 'base.json'), JSON.stringify(PLAN));
    const isPart = random.next() < 0.3;
    const own = isPart ? { extends: 'base.json', name: 'more', methods: PLAN.methods, seeds: [3] } : PLAN;
    await writeFile(join(folder, 'plan.json'), mutateJson(own, random));
  },
  async read(folder) {
    const { jobs } = await planJobs(await readPlan(join(folder, 'plan.json')), DATA, 'identity');
    return numbersIn(jobs.map(({ detector, recipe: own, settings }) => ({ detector, own, settings })));
  },
  command: ['study', 'plan.json', 'shapes', '--images', '4', '--val-images', '2', '--out', 'out', '--max-hours', '0'],
};

const MAPPING = {
  input: { name: 'images', order: 'rgb', white: 1, mean: [0, 0, 0], deviation: [1, 1, 1] },
  strides: [8, 16],
  bins: 16,
  centreOffset: 0.5,
  scores: 'logits',
  tensors: [
    { tensor: 'boxes', axes: 'BCA', strides: [8, 16], channels: ['boxes'] },
    { tensor: 'fine', axes: 'BCHW', strides: [8], channels: ['classes'] },
    { tensor: 'coarse', axes: 'BCHW', strides: [16], channels: ['classes'] },
  ],
  classes: ['cat', 'dog', 'cow'],
  classMap: { hound: 'dog', bird: null },
};

const mapping: FuzzKind = {
  name: 'mapping',
  async write(folder, random) {
    await writeFile(join(folder, 'mapping.json'), mutateJson(MAPPING, random));
  },
  async read(folder) {
    const read = await readMapping(join(folder, 'mapping.json'));
    return numbersIn([read, mapClasses(read, ['cat', 'hound', 'bird'])]);
  },
  command: ['teach', 'nowhere.onnx', 'shapes', '--mapping', 'mapping.json', '--out', 'out'],
};

const teacherFolder: FuzzKind = {
  name: 'folder of teach',
  async write(folder, random) {
    const description = { version: '0.1.0', mapping: MAPPING, width: 64, height: 64 };
    await writeFile(join(folder, 'teacher.json'), mutateJson(description, random));
  },
  read: async (folder) => numbersIn(await readTeacherFolder(folder)),
  command: ['distill', 'shapes', '--teacher', '.', '--out', 'out'],
};

const STRANGE_PLACES = [
  '',
  '.',
  '..',
  '/etc/passwd',
  'a/../../b',
  '\u0000',
  '-1',
  '0.5',
  '1e999',
  '1e15',
  'NaN',
  '16',
  '99999999999999999999',
];

/** A model whose weights lie in a file beside it. */
async function modelOf(place: Record<'location' | 'offset' | 'length', string>): Promise<Uint8Array> {
  const { ModelProto } = await protobuf();
  const externalData = Object.entries(place).map(([key, value]) => ({ key, value }));
  const shape = { dim: [1, 3, 64, 64].map((dimValue) => ({ dimValue })) };
  return ModelProto.encode({
    irVersion: 10,
    graph: {
      name: 'g',
      input: [{ name: 'images', type: { tensorType: { elemType: 1, shape } } }],
      initializer: [{ name: 'w', dataType: 1, dims: [2], dataLocation: 1, externalData }],
      node: [
        { opType: 'Add', input: ['images', 'w'], output: ['inner'] },
        { opType: 'Relu', input: ['inner'], output: ['boxes'] },
      ],
      output: [{ name: 'boxes' }],
    },
  }).finish();
}

const onnxModel: FuzzKind = {
  name: 'ONNX model',
  async write(folder, random) {
    const place = { location: 'model.onnx.data', offset: '4', length: '8' };
    const part = pick(random, ['model', 'data', 'place'] as const);
    if (part === 'place') place[pick(random, ['location', 'offset', 'length'] as const)] = pick(random, STRANGE_PLACES);
    const [model, data] = [await modelOf(place), new Uint8Array(16)];
    await writeFile(join(folder, 'model.onnx.data'), part === 'data' ? mutateBytes(data, random) : data);
    await writeFile(join(folder, 'model.onnx'), part === 'model' ? mutateBytes(model, random) : model);
    await writeFile(join(folder, 'mapping.json'), JSON.stringify(MAPPING));
  },
  async read(folder) {
    const { model, name } = await readModel(join(folder, 'model.onnx'));
    const whole = await withOutputs(model, ['boxes', 'inner'], name);
    return `${whole.length} ${numbersIn(await fixedSizeOf(whole, name))}`;
  },
  command: ['teach', 'model.onnx', 'shapes', '--images', '2', '--mapping', 'mapping.json', '--out', 'out'],
};

/** Enough of a device to choose kernels' variants for. */
const GPU = {
  adapterInfo: { vendor: 'maker', architecture: '', device: '', description: 'card', subgroupMinSize: 8 },
  features: new Set(['subgroups']),
} as unknown as GPUDevice;

const tuning: FuzzKind = {
  name: 'tuning file',
  async write(folder, random) {
    const choices = completeChoices(GPU, {});
    const file = await within(folder, () => writeTuning(GPU, choices));
    await writeFile(file, mutateJson({ edgewise: '0.1.0', adapter: 'card', choices }, random));
  },
  read: async (folder) => numbersIn(completeChoices(GPU, (await within(folder, () => readTuning(GPU)))?.choices ?? {})),
};

/** Runs with the cache folder there, and without warnings. */
async function within<T>(cache: string, work: () => Promise<T>): Promise<T> {
  const { XDG_CACHE_HOME: before } = process.env;
  const { warn } = console;
  process.env.XDG_CACHE_HOME = cache;
  console.warn = () => undefined;
  try {
    return await work();
  } finally {
    console.warn = warn;
    if (before === undefined) delete process.env.XDG_CACHE_HOME;
    else process.env.XDG_CACHE_HOME = before;
  }
}

export const settingKinds: readonly FuzzKind[] = [recipe, plan, mapping, onnxModel, teacherFolder, tuning];
