/** Every public function of the library, given what a program in plain JavaScript may give by mistake. */
import { expect, test } from 'vitest';
import * as edgewise from '../src/index.js';
import { FakeDevice, fakeGpu } from './fakeDevice.js';
import { mistakesIn, type Use } from './misuse.js';

const device = new FakeDevice();
const { HeadLoss, Pyramid, Tensor, Variable } = edgewise;
const SIZES = { classes: 3, bins: 8, strides: [8, 16], batch: 2, imageSize: { width: 64, height: 48 } };
const grid = edgewise.makeGrid(SIZES);
const { locations } = grid;
const DETECTOR = { size: 'tiny', classes: 3, bins: 8, strides: [8, 16], width: 64, height: 32 } as const;
const PARAMETERS = [{ name: 'a', shape: [2], decay: true, initial: new Float32Array(2) }];

const truthOf = () => edgewise.uploadTruth(device, { boxes: [1, 2, 30, 40], labels: [1], images: [0] }, SIZES);
const loss = (recipe: string | edgewise.PartialRecipe) => new HeadLoss(device, { ...SIZES, recipe });
const zeros = (...shape: number[]) => device.zeros(shape);
const leaf = (...shape: number[]) => new Variable(zeros(...shape), true);
const maps = (channels: number) => Pyramid.empty(device, 2, channels, grid.levels);
const rows = (channels: number) => ({
  tensor: zeros(2, locations, channels),
  layout: edgewise.rowMajorLayout(channels, grid.areas),
});
const head = () => ({ classLogits: maps(3), boxLogits: maps(32) });
const detector = new edgewise.Detector(device, DETECTOR, { seed: 1 });
const images = () => Pyramid.empty(device, 2, 3, [{ height: 32, width: 64 }]);
const { classLogits, boxLogits } = detector.forward(images(), { training: false });
const store = () => new edgewise.ParameterStore(device, PARAMETERS);

const OPTIONAL = { weights: ['optional'], averageFactor: ['optional', 'positive'], lossWeight: ['optional', 'number'] };
/** The fields of options, with their paths. */
const fields = (fine: Record<string, string[]>) =>
  Object.fromEntries(Object.entries(fine).map(([name, values]) => [`options.${name}`, values]));
const ATSS = { topk: 9, ignoreIofThreshold: -1, vlr: 'none', gamma: 0.25 };
/** What an assigner that looks at the student may be given. */
const assignerFine = (own: Record<string, string[]>) => ({
  ...fields({ ...own, parameters: ['optional'], topk: ['optional'], atss: ['optional', '{}'] }),
  'options.atss.topk': ['optional'],
  'options.atss.ignoreIofThreshold': ['optional', 'number'],
  'options.atss.vlr': ['optional'],
  'options.atss.gamma': ['optional', 'positive'],
});
const rowOptions = () => ({ weights: zeros(4), averageFactor: 1, lossWeight: 1, reduction: 'sum' });
const rowFine = { options: ['options'], ...fields({ ...OPTIONAL, reduction: ['optional'] }) };

/** A method of an object, as a function. */
const method = (make: () => object, name: string) =>
  ((...given: unknown[]) => {
    const object = make() as Record<string, (...all: unknown[]) => unknown>;
    return object[name](...given);
  }) as Use['call'];
const making = (type: new (...given: never[]) => unknown) => ((...given: never[]) => new type(...given)) as Use['call'];
const onDevice = (name: string) => method(() => device, name);
/** Looks at its arguments itself, and records into encoders that do nothing. */
const plain = new edgewise.Device(fakeGpu(), { name: 'a fake', kind: 'adopted', source: '' });
const ownBuffer = () => plain.gpu.createBuffer({ size: 64, usage: 0x80 });

const DEVICES: Use[] = [
  {
    name: 'Device.adopt',
    call: edgewise.Device.adopt,
    given: () => ({ gpu: fakeGpu() }),
    fine: { gpu: ['a GPUDevice'] },
  },
  {
    name: 'device.tensor',
    call: onDevice('tensor'),
    given: () => ({ values: [1, 2, 3], shape: [3], type: 'f32' }),
    fine: { 'values.0': ['anyNumber'], shape: ['optional'], type: ['optional'] },
  },
  {
    name: 'device.tensor of integers',
    call: onDevice('tensor'),
    given: () => ({ values: [1, 2, 3], shape: [3], type: 'u32' }),
    fine: { shape: ['optional'], type: ['optional'] },
  },
  {
    name: 'device.empty',
    call: onDevice('empty'),
    given: () => ({ shape: [3], type: 'f32' }),
    fine: { shape: ['[]'], type: ['optional'] },
  },
  {
    name: 'device.zeros',
    call: onDevice('zeros'),
    given: () => ({ shape: [3], type: 'i32' }),
    fine: { shape: ['[]'], type: ['optional'] },
  },
  { name: 'device.tidy', call: onDevice('tidy'), given: () => ({ work: () => 1 }), fine: { work: ['() => {}'] } },
  {
    name: 'device.record',
    call: method(() => plain, 'record'),
    given: () => ({ encoder: plain.gpu.createCommandEncoder(), work: () => 1 }),
    fine: { work: ['() => {}'] },
  },
  {
    name: 'device.copy',
    call: method(() => plain, 'copy'),
    given: () => ({ source: ownBuffer(), sourceOffset: 0, target: ownBuffer(), targetOffset: 0, bytes: 64 }),
    fine: { source: ['a GPUBuffer'], target: ['a GPUBuffer'] },
  },
  {
    name: 'device.clear',
    call: method(() => plain, 'clear'),
    given: () => ({ range: { buffer: ownBuffer(), offset: 0, size: 64 } }),
    fine: { 'range.buffer': ['a GPUBuffer'] },
  },
  {
    name: 'device.write',
    call: method(() => plain, 'write'),
    given: () => ({ buffer: ownBuffer(), byteOffset: 0, data: new Float32Array(2) }),
    fine: { buffer: ['a GPUBuffer'] },
  },
  { name: 'device.keep', call: onDevice('keep'), given: () => ({ tensor: zeros(1) }) },
  { name: 'device.track', call: onDevice('track'), given: () => ({ tensor: zeros(1) }) },
  {
    name: 'device.tune',
    call: onDevice('tune'),
    given: () => ({
      workloads: [{ name: 'w', choices: ['none'], run: () => [zeros(1)] }],
      options: { onProgress: () => {} },
    }),
    fine: {
      'workloads.0.name': ['text'],
      'workloads.0.choices.0': ['text'],
      options: ['options'],
      'options.onProgress': ['optional', '() => {}', 'async () => {}'],
    },
  },
  {
    name: 'device.setChoices',
    call: onDevice('setChoices'),
    given: () => ({ choices: { 'stream.turns': 2 } }),
    fine: { choices: ['{}'] },
  },
];

const TENSORS: Use[] = [
  {
    name: 'Tensor.borrow',
    call: Tensor.borrow,
    given: () => ({ device, buffer: zeros(64).buffer, shape: [3], offset: 0, type: 'f32' }),
    fine: {
      device: ['another device'],
      buffer: ['a GPUBuffer'],
      shape: ['[]'],
      offset: ['optional'],
      type: ['optional'],
    },
  },
  {
    name: 'tensor.view',
    call: method(() => zeros(6), 'view'),
    given: () => ({ shape: [3], start: 0 }),
    fine: { shape: ['[]'], start: ['optional'] },
  },
  {
    name: 'tensor.write',
    call: method(() => zeros(3), 'write'),
    given: () => ({ values: [1, 2, 3] }),
    fine: { 'values.0': ['anyNumber'] },
  },
  {
    name: 'halfTensor',
    call: edgewise.halfTensor,
    given: () => ({ device, halves: new Uint16Array(3), shape: [3] }),
    fine: { device: ['another device'] },
  },
  {
    name: 'Pyramid.empty',
    call: Pyramid.empty,
    given: () => ({ device, batch: 2, channels: 3, sizes: [{ height: 2, width: 3 }] }),
    fine: { device: ['another device'] },
  },
  {
    name: 'Pyramid.of',
    call: Pyramid.of,
    given: () => ({ tensor: zeros(36), batch: 2, channels: 3, sizes: [{ height: 2, width: 3 }] }),
  },
  { name: 'rowMajorLayout', call: edgewise.rowMajorLayout, given: () => ({ channels: 3, areas: [12, 3] }) },
  { name: 'channelMajorLayout', call: edgewise.channelMajorLayout, given: () => ({ channels: 3, areas: [12, 3] }) },
  {
    name: 'channelsFrom',
    call: edgewise.channelsFrom,
    given: () => ({ layout: edgewise.rowMajorLayout(3, [4]), first: 1 }),
  },
  {
    name: 'layoutOf',
    call: edgewise.layoutOf,
    given: () => ({ maps: rows(3) }),
    fine: { 'maps.tensor': ["another device's tensor"] },
  },
];

const REGIONS: Use[] = [
  {
    name: 'makeGrid',
    call: edgewise.makeGrid,
    given: () => ({
      options: { imageSize: { width: 64, height: 48 }, strides: [8, 16], centreOffset: 0, octaveScale: 8 },
    }),
    fine: fields({ centreOffset: ['optional', 'number'], octaveScale: ['optional', 'positive'] }),
  },
  {
    name: 'uploadTruth',
    call: edgewise.uploadTruth,
    given: () => ({
      device,
      truth: {
        boxes: [1, 2, 30, 40],
        labels: [1],
        images: [0],
        ignoreBoxes: [1, 2, 3, 4],
        ignoreImages: [1],
        imageSizes: [64, 48, 64, 40],
      },
      size: { batch: 2, classes: 3 },
    }),
    fine: {
      device: ['another device'],
      'truth.boxes.0': ['number'],
      'truth.ignoreBoxes.0': ['number'],
      'truth.imageSizes': ['optional'],
    },
  },
  ...Object.entries({ atss: edgewise.atss, assignAtss: edgewise.assignAtss }).map(([name, call]) => ({
    name,
    call,
    given: () => ({
      grid,
      truth: truthOf(),
      options: { topk: 9, ignoreIofThreshold: -1, vlr: 'paper', gamma: 0.25 },
    }),
    fine: {
      options: ['options'],
      ...fields({
        topk: ['optional'],
        ignoreIofThreshold: ['optional', 'number'],
        vlr: ['optional'],
        gamma: ['optional', 'positive'],
      }),
    },
  })),
  {
    name: 'imitationRegion',
    call: edgewise.imitationRegion as Use['call'],
    given: () => ({
      method: 'main',
      grid,
      truth: truthOf(),
      assignment: { table: device.zeros([2 * locations], 'u32') },
    }),
  },
  {
    name: 'taskAligned',
    call: edgewise.taskAligned,
    given: () => ({
      grid,
      truth: truthOf(),
      student: head(),
      options: {
        bins: 8,
        parameters: 'ltrb',
        topk: 10,
        alpha: 0.5,
        beta: 6,
        overlap: 'ciou',
        masked: true,
        smallTargets: false,
        atss: ATSS,
      },
    }),
    fine: assignerFine({
      alpha: ['optional', 'positive'],
      beta: ['optional', 'positive'],
      overlap: ['optional'],
      masked: ['optional', 'true'],
      smallTargets: ['optional', 'true'],
    }),
  },
  {
    name: 'dynamicSoftLabel',
    call: edgewise.dynamicSoftLabel,
    given: () => ({
      grid,
      truth: truthOf(),
      student: head(),
      options: { bins: 8, parameters: 'ltrb', topk: 13, iouWeight: 3, atss: ATSS },
    }),
    fine: assignerFine({ iouWeight: ['optional', 'positive'] }),
  },
  {
    name: 'assignmentOf',
    call: edgewise.assignmentOf,
    given: () => ({
      device,
      given: {
        grid,
        batch: 1,
        classes: 3,
        labels: new Array(locations).fill(-1),
        boxes: new Array(4 * locations).fill(0),
        weights: new Array(locations).fill(1),
        scores: new Array(locations).fill(1),
        vlr: new Array(locations).fill(0),
        order: 'image',
      },
    }),
    fine: {
      device: ['another device'],
      'given.boxes.0': ['anyNumber'],
      'given.labels.0': ['-1'],
      'given.scores.0': ['0.5'],
      'given.vlr.0': ['0.5'],
      'given.weights': ['optional'],
      'given.scores': ['optional'],
      'given.vlr': ['optional'],
      'given.order': ['optional'],
    },
  },
  {
    name: 'generalInstances',
    call: edgewise.generalInstances,
    given: () => ({
      grid,
      truth: truthOf(),
      input: { student: head(), teacher: head(), bins: 8, parameters: 'ltrb', scope: 'batch' },
    }),
    fine: { 'input.parameters': ['optional'] },
  },
];

const LOSSES: Use[] = [
  {
    name: 'resolveRecipe',
    call: edgewise.resolveRecipe,
    given: () => ({ recipe: { ld: { main: 1 } } }),
    fine: { recipe: ['{}'], 'recipe.ld': ['{}'], 'recipe.ld.main': ['positive'] },
  },
  {
    name: 'HeadLoss',
    call: making(HeadLoss),
    given: () => ({ device, options: { ...SIZES, centreOffset: 0, recipe: 'gfocal' } }),
    fine: { device: ['another device'], ...fields({ centreOffset: ['optional', 'positive'], recipe: ['{}'] }) },
  },
  {
    name: 'HeadLoss.evaluate of pyramids',
    call: method(() => loss('main-ld'), 'evaluate'),
    given: () => ({
      input: {
        student: head(),
        teacher: head(),
        truth: truthOf(),
        gradients: { classLogits: zeros(6 * locations), boxLogits: zeros(64 * locations) },
      },
    }),
    fine: {
      'input.gradients': ['options'],
      'input.gradients.classLogits': ['optional'],
      'input.gradients.boxLogits': ['optional'],
    },
  },
  {
    name: 'HeadLoss.evaluate of rows',
    call: method(() => loss('gfocal'), 'evaluate'),
    given: () => ({ input: { student: { classLogits: rows(3), boxLogits: rows(32) }, truth: truthOf() } }),
  },
  {
    name: 'HeadLoss.evaluate of features',
    call: method(() => loss('imitation-inside'), 'evaluate'),
    given: () => ({
      input: {
        student: { ...head(), features: maps(4) },
        teacher: { ...head(), features: maps(4) },
        truth: truthOf(),
      },
    }),
  },
  {
    name: 'HeadLoss.faultOf',
    call: method(() => loss('gfocal'), 'faultOf'),
    given: () => ({ terms: new Float32Array(18), faults: new Uint32Array(18) }),
  },
  {
    name: 'qualityFocalLoss',
    call: edgewise.qualityFocalLoss,
    given: () => ({
      logits: leaf(4, 3),
      targets: { labels: device.zeros([4], 'i32'), quality: zeros(4) },
      options: { beta: 2, ...rowOptions() },
    }),
    fine: { ...rowFine, 'options.beta': ['optional', 'positive'] },
  },
  {
    name: 'distributionFocalLoss',
    call: edgewise.distributionFocalLoss,
    given: () => ({ logits: leaf(4, 8), distances: zeros(4), options: rowOptions() }),
    fine: rowFine,
  },
  {
    name: 'giouLoss',
    call: edgewise.giouLoss,
    given: () => ({ predicted: leaf(4, 4), truth: zeros(4, 4), options: { form: 'giou', ...rowOptions() } }),
    fine: { ...rowFine, 'options.form': ['optional'] },
  },
  {
    name: 'temperatureKL',
    call: edgewise.temperatureKL,
    given: () => ({ student: leaf(4, 8), teacher: zeros(4, 8), options: { temperature: 10, ...rowOptions() } }),
    fine: { ...rowFine, 'options.temperature': ['optional', 'positive'] },
  },
  {
    name: 'classDistillation',
    call: edgewise.classDistillation,
    given: () => ({
      student: leaf(4, 8),
      teacher: zeros(4, 8),
      options: { temperature: 2, form: 'binary', ...rowOptions() },
    }),
    fine: { ...rowFine, ...fields({ temperature: ['optional', 'positive'], form: ['optional'] }) },
  },
  { name: 'integral', call: edgewise.integral, given: () => ({ logits: leaf(4, 8) }) },
  { name: 'softmaxOverBins', call: edgewise.softmaxOverBins, given: () => ({ logits: leaf(4, 8) }) },
  ...[
    {
      layout: 'rows',
      student: () => leaf(4, 8),
      targets: () => ({ teacher: zeros(4, 8), distances: zeros(4) }),
      weights: () => zeros(4),
    },
    {
      layout: 'maps',
      student: () => new Variable(maps(32), true),
      targets: () => ({ teacher: maps(32), distances: maps(4) }),
      weights: () => maps(1),
    },
  ].map(({ layout, student, targets, weights }) => ({
    name: `localizationLosses of ${layout}`,
    call: edgewise.localizationLosses as Use['call'],
    given: () => ({
      student: student(),
      targets: targets(),
      options: { weights: weights(), averageFactor: 1, dflWeight: 1, ldWeight: 1, temperature: 10 },
    }),
    fine: {
      options: ['options'],
      ...fields({
        ...OPTIONAL,
        dflWeight: ['optional', 'number'],
        ldWeight: ['optional', 'number'],
        temperature: ['optional', 'positive'],
      }),
    },
  })),
  {
    name: 'imitationLoss',
    call: edgewise.imitationLoss,
    given: () => ({
      student: new Variable(maps(4), true),
      teacher: maps(4),
      mask: zeros(2 * locations),
      options: { lossWeight: 1, gates: zeros(2) },
    }),
    fine: { options: ['options'], ...fields({ lossWeight: ['optional', 'number'], gates: ['optional'] }) },
  },
  {
    name: 'channelWiseDistillation',
    call: edgewise.channelWiseDistillation,
    given: () => ({
      student: new Variable(maps(4), true),
      teacher: maps(4),
      options: { lossWeight: 1, temperature: 2, norm: 'batch' },
    }),
    fine: {
      options: ['options'],
      ...fields({ lossWeight: ['optional', 'number'], temperature: ['optional', 'positive'], norm: ['optional'] }),
    },
  },
  {
    name: 'pearsonImitation',
    call: edgewise.pearsonImitation,
    given: () => ({ student: new Variable(maps(4), true), teacher: maps(4), options: { lossWeight: 1 } }),
    fine: { options: ['options'], ...fields({ lossWeight: ['optional', 'number'] }) },
  },
  {
    name: 'scoreWeightedImitation',
    call: edgewise.scoreWeightedImitation,
    given: () => ({
      student: new Variable(maps(4), true),
      teacher: maps(4),
      scores: zeros(2 * locations),
      options: { lossWeight: 1, norm: 'none' },
    }),
    fine: { options: ['options'], ...fields({ lossWeight: ['optional', 'number'], norm: ['optional'] }) },
  },
  {
    name: 'bestScores',
    call: edgewise.bestScores,
    given: () => ({ logits: maps(4) }),
    fine: {},
  },
];

const NETS: Use[] = [
  {
    name: 'Variable',
    call: making(Variable),
    given: () => ({ value: zeros(1), requiresGradient: true }),
    fine: { value: ["another device's tensor"], requiresGradient: ['optional', 'true'] },
  },
  {
    name: 'backward',
    call: edgewise.backward,
    given: () => ({ seeds: [{ variable: edgewise.softmaxOverBins(leaf(4, 8)), gradient: zeros(4, 8) }] }),
  },
  {
    name: 'checkGradients',
    call: edgewise.checkGradients,
    given: () => ({
      f: (logits: ReturnType<typeof leaf>) => edgewise.integral(logits),
      inputs: [zeros(2, 3), zeros(1)],
      options: { step: 0.01, samples: 2, seed: 1 },
    }),
    fine: {
      options: ['options'],
      ...fields({ step: ['optional', 'positive'], samples: ['optional'], seed: ['optional'] }),
    },
  },
  {
    name: 'ParameterStore',
    call: making(edgewise.ParameterStore),
    given: () => ({ device, declarations: PARAMETERS }),
    fine: { device: ['another device'], 'declarations.0.name': ['text'], 'declarations.0.decay': ['true'] },
  },
  { name: 'ParameterStore.get', call: method(store, 'get'), given: () => ({ parameter: 'a' }) },
  { name: 'ParameterStore.frozen', call: method(store, 'frozen'), given: () => ({ parameter: 'a' }) },
  {
    name: 'Optimizer',
    call: making(edgewise.Optimizer),
    given: () => ({
      parameters: store(),
      settings: { optimizer: 'sgd', momentum: 0.9, weightDecay: 0, clip: 1, ema: 0.9 },
    }),
    fine: {
      'settings.momentum': ['positive'],
      'settings.weightDecay': ['positive'],
      'settings.clip': ['positive'],
      'settings.ema': ['positive'],
    },
  },
  {
    name: 'Optimizer.begin',
    call: method(
      () => new edgewise.Optimizer(store(), { optimizer: 'sgd', momentum: 0, weightDecay: 0, clip: 0, ema: 0 }),
      'begin',
    ),
    given: () => ({ learningRate: 1 }),
    fine: { learningRate: ['positive'] },
  },
  {
    name: 'detectorConfig',
    call: edgewise.detectorConfig,
    given: () => ({ config: DETECTOR }),
    fine: { 'config.bins': ['optional'], 'config.strides': ['optional'] },
  },
  {
    name: 'Detector',
    call: making(edgewise.Detector),
    given: () => ({ device, config: DETECTOR, options: { seed: 1 } }),
    fine: { device: ['another device'], 'config.bins': ['optional'], 'config.strides': ['optional'] },
  },
  {
    name: 'Detector.forward',
    call: method(() => detector, 'forward'),
    given: () => ({ images: images(), options: { training: false } }),
    fine: { 'options.training': ['true'] },
  },
  {
    name: 'Detector.assertFits',
    call: method(() => detector, 'assertFits'),
    given: () => ({ batch: 2, options: { training: false } }),
    fine: { 'options.training': ['true'] },
  },
  {
    name: 'decode',
    call: edgewise.decode,
    given: () => ({
      outputs: { classLogits, boxLogits },
      config: { classes: 3, bins: 8, strides: [8, 16], width: 64, height: 32 },
      options: {
        scoreThreshold: 0.9,
        candidates: 10,
        iou: 0.5,
        maximum: 10,
        imageSizes: [
          { width: 64, height: 32 },
          { width: 64, height: 32 },
        ],
        recipe: edgewise.resolveRecipe('gfocal'),
      },
    }),
    fine: {
      options: ['options'],
      'options.imageSizes.0.width': ['positive'],
      'options.imageSizes.0.height': ['positive'],
      ...fields({
        scoreThreshold: ['optional', 'number'],
        candidates: ['optional'],
        iou: ['optional', 'number'],
        maximum: ['optional'],
        imageSizes: ['optional'],
        recipe: ['optional'],
      }),
    },
  },
  {
    name: 'trainingWorkloads',
    call: edgewise.trainingWorkloads,
    given: () => ({ device, config: { ...DETECTOR, width: 32, height: 32 }, batch: 1 }),
    fine: { device: ['another device'], 'config.bins': ['optional'], 'config.strides': ['optional'] },
  },
];

test.each([...DEVICES, ...TENSORS, ...REGIONS, ...LOSSES, ...NETS])('$name', async (use) => {
  expect(await mistakesIn(use)).toEqual([]);
});
