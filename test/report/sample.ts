import { TERM_NAMES, type TermName } from '../../src/losses/headTerms.js';
import type { EdgeBox, Measures, ReportData, RunSummary, Scene } from '../../src/report/types.js';
import type { FigureName, Figure as Measured, StudyResults } from '../../src/study/types.js';

const PIXEL =
  'data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';

export const CLASSES = ['cell <red>', 'cell & white'];

/** All probability on one bin of 9, or spread evenly over `width` of them. */
export function edge(at: number, width = 1): number[] {
  return Array.from({ length: 9 }, (_, k) => (k >= at && k < at + width ? 1 / width : 0));
}

/** A box of 32 pixels round (40, 40), stride 8, whose left edge is spread over so many bins. */
export function edgeBox(leftWidth: number, score = 0.8): EdgeBox {
  const edges = [edge(2, leftWidth), edge(2), edge(2), edge(2)];
  return { box: [24, 24, 56, 56], label: 0, score, centre: [40, 40], step: 8, edges };
}

const MEASURES: Measures = {
  stats: { AP: 0.4, AP50: 0.6, AP75: 0.45, APs: -1, APm: 0.4, APl: 0.7 },
  agreement: {
    all: { stride: 0, locations: 10, localizationError: 0.2, classificationError: 0.1 },
    levels: [],
  } as unknown as NonNullable<Measures['agreement']>,
  precisionRecall: {
    recall: [0, 0.5, 1],
    classes: CLASSES.map((name) => ({ name, at50: [1, 0.8, 0.2], at75: [0.9, 0.5, 0] })),
  },
  calibration: {
    bins: [
      { meanSpread: 0.5, meanError: 0.3, count: 4 },
      { meanSpread: 1.5, meanError: 0.9, count: 4 },
    ],
    spearman: 0.7,
    edges: 8,
    pixels: { bins: [{ meanSpread: 4, meanError: 3, count: 8 }], spearman: 0.5 },
  },
};

const zeros = Object.fromEntries(TERM_NAMES.map((name) => [name, 0])) as Record<TermName, number>;
const terms = { ...zeros, loss_cls: 1, loss_bbox: 1, loss_dfl: 1 };

function run(name: string, role: RunSummary['role'], ld: boolean): RunSummary {
  const log = [1, 2].map((epoch) => ({
    epoch,
    step: 10 * epoch,
    learningRate: 0.001,
    loss: 3 / epoch,
    terms: { ...terms, loss_ld: ld ? 2 / epoch : 0 },
    imagesPerSecond: 1,
    seconds: 1,
    evaluation: { AP: 0.2 * epoch, AP50: 0.3 * epoch, AP75: 0.1 * epoch },
  }));
  const measures = role === 'teacher' ? { ...MEASURES, agreement: null } : MEASURES;
  return {
    folder: `/${name}`,
    name,
    role,
    size: 'tiny',
    parameters: 100_000,
    recipe: 'gfocal',
    ld,
    seed: 1,
    log,
    measures,
  };
}

const TRUTH = [{ box: [24, 24, 56, 56] as const, label: 0 }];

const SCENE: Scene = {
  picture: { id: 7, name: 'seven.jpg', width: 96, height: 96, href: PIXEL, scale: 1 },
  rule: 'Chosen for the test.',
  bins: 9,
  truth: TRUTH,
  views: ['teacher', 'plain', 'distilled'].map((name, i) => ({
    run: name,
    boxes: [edgeBox(3 - i), { ...edgeBox(1), box: [70, 70, 90, 90], label: 1 }],
    errors: i === 0 ? null : [8, 16].map((stride) => map(stride, (index) => index / 10)),
  })),
  regions: {
    run: 'distilled',
    assigner: 'atss',
    vlr: 'paper',
    gamma: 0.25,
    centreOffset: 0,
    levels: [8, 16].map((stride) => {
      const { width, height, values } = map(stride, (index) => (index % 3 === 0 ? 0.5 : 0));
      return { stride, width, height, main: values.map((_, index) => index % 7 === 0), valuable: values };
    }),
  },
};

function map(stride: number, value: (index: number) => number) {
  const side = 96 / stride;
  return { stride, width: side, height: side, values: Array.from({ length: side * side }, (_, index) => value(index)) };
}

const measured = (mean: number): Measured => ({
  n: 3,
  mean,
  deviation: 0.01,
  difference: { n: 3, mean: 0.02, interval: [0.01, 0.03] },
});
const NAMES = [
  'AP',
  'AP50',
  'AP75',
  'APs',
  'APm',
  'APl',
  'localizationError',
  'classificationError',
  'totalVariation',
] as const;
const figures = (mean: number) =>
  Object.fromEntries(NAMES.map((name) => [name, name === 'APs' ? null : measured(mean)])) as Record<
    FigureName,
    Measured | null
  >;

const STUDY = {
  plans: [
    {
      name: 'regions',
      seeds: [0, 1, 2],
      epochs: 4,
      tables: [
        {
          title: 'Regions',
          baseline: 'gfocal',
          rows: ['gfocal', 'main LD'].map((method, i) => ({
            method,
            size: 'tiny',
            teacher: 'base',
            isBaseline: i === 0,
            n: 3,
            figures: figures(0.4 + i / 10),
            classes: { [CLASSES[0]]: measured(0.5 + i / 10) },
          })),
        },
      ],
      curves: [
        {
          title: 'Temperature',
          label: 'T',
          points: [1, 10].map((x) => ({ method: `T ${x}`, x, figures: figures(x / 20), classes: {} })),
        },
      ],
    },
  ],
  runs: [],
  hours: 1,
} as unknown as StudyResults;

/** Everything a report can have, made by hand: no GPU is needed. */
export function sampleData(): ReportData {
  const runs = [run('teacher', 'teacher', false), run('plain', 'student', false), run('distilled', 'student', true)];
  return {
    title: 'A report <made> for tests',
    date: '2026-01-01',
    version: '0.0.0',
    data: { name: 'cells', split: 'val', images: 1, classes: CLASSES },
    runs,
    shown: runs,
    scene: SCENE,
    study: STUDY,
    worst: {
      run: runs[2],
      images: [
        {
          picture: SCENE.picture,
          mistakes: [
            { kind: 'missed', box: [0, 0, 20, 20], label: 0 },
            { kind: 'false', box: [60, 0, 90, 20], label: 1 },
            { kind: 'badly', box: [0, 60, 20, 90], label: 1 },
          ],
          right: TRUTH,
        },
      ],
    },
  };
}
