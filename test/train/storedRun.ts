import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type StoredTensor, writeSafetensors } from '../../src/data/safetensors.js';
import { detectorConfig } from '../../src/detector/config.js';
import { TERM_NAMES } from '../../src/losses/headTerms.js';
import { resolveRecipe } from '../../src/losses/recipe.js';
import { CHECKPOINT } from '../../src/train/checkpoint.js';
import { MEASURES } from '../../src/train/measures.js';
import { trainSettings } from '../../src/train/settings.js';

/** A run's files as a training writes them, made by hand: no GPU is needed. Plain JSON. */
export function storedRun() {
  const classes = [
    { id: 1, name: 'disc' },
    { id: 2, name: 'box' },
  ];
  const detector = detectorConfig({ size: 'tiny', classes: 2, strides: [8, 16], width: 32, height: 32 });
  const recipe = resolveRecipe('main-ld');
  const settings = trainSettings({ epochs: 2, batch: 2 });
  const agreement = (stride: number) => ({
    stride,
    locations: 4,
    localizationError: 0.5,
    classificationError: 0.25,
    totalVariation: 0.125,
  });
  const distances = { all: agreement(0), levels: [agreement(8), agreement(16)] };
  const epoch = (n: number) => ({
    epoch: n,
    step: 3 * n,
    learningRate: 0.01 / n,
    loss: 4 / n,
    terms: Object.fromEntries(TERM_NAMES.map((name, i) => [name, i / n])),
    imagesPerSecond: 10,
    seconds: 1.5,
    evaluation: { AP: 0.1 * n, AP50: 0.2 * n, AP75: 0.05 * n, APs: -1 },
    agreement: distances,
  });
  const recall = [0, 0.5, 1];
  const curve = { bins: [{ meanSpread: 0.5, meanError: 0.25, count: 4 }], spearman: 0.5 };
  return {
    run: {
      version: '0.1.0',
      started: '2026-01-01T00:00:00.000Z',
      adapter: { name: 'an adapter', kind: 'software', source: 'the system' },
      choices: {},
      detector,
      student: null,
      parameters: 12345,
      teacher: null,
      teacherRun: null,
      teacherMapping: null,
      teacherMatch: null,
      teacherCache: false,
      data: 'shapes',
      split: 'train',
      classes,
      images: 6,
      recipe,
      settings,
    },
    log: [epoch(1), epoch(2)],
    metadata: {
      version: '0.1.0',
      detector,
      recipe,
      classes,
      settings,
      choices: { 'tile.workgroup': 16 },
      teacherCache: false,
      step: 6,
      stepsPerEpoch: 3,
      epochTerms: [] as number[],
      bestAp: 0.2,
      last: epoch(2),
    },
    tensors: new Map<string, StoredTensor>([
      ['backbone.stem.weight', { dtype: 'F32', shape: [2, 3], data: Float32Array.from([1, 2, 3, 4, 5, 6]) }],
      ['ema.backbone.stem.weight', { dtype: 'F32', shape: [2, 3], data: new Float32Array(6) }],
    ]),
    measures: {
      split: 'val',
      images: 4,
      stats: { AP: 0.2, AP50: 0.4, AP75: 0.1, APs: -1, APm: 0.2, APl: -1 },
      perClass: { disc: { AP: 0.2, AP50: 0.4, AP75: 0.1 }, box: { AP: -1, AP50: -1, AP75: -1 } },
      precisionRecall: {
        recall,
        classes: classes.map(({ name }) => ({ name, at50: [1, 0.5, 0], at75: [0.5, 0, 0] })),
      },
      agreement: distances,
      calibration: { edges: 4, ...curve, pixels: curve },
    },
  };
}

type StoredRun = ReturnType<typeof storedRun>;

type Writable = { [K in keyof StoredRun]: K extends 'tensors' ? StoredRun[K] : unknown };

/** Writes a run's files; the log's lines and the metadata may be any text. */
export async function writeRun(folder: string, run: Writable): Promise<void> {
  await writeTexts(folder, run);
  await writeSafetensors(join(folder, CHECKPOINT), run.tensors, { edgewise: json(run.metadata) });
}

/** The same without the checkpoint. */
export async function writeTexts(folder: string, { run, log, measures }: Omit<Writable, 'tensors' | 'metadata'>) {
  const lines = Array.isArray(log) ? log.map((line) => `${json(line)}\n`).join('') : json(log);
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'run.json'), json(run));
  await writeFile(join(folder, 'log.jsonl'), lines);
  await writeFile(join(folder, MEASURES), json(measures));
}

const json = (value: unknown) => (typeof value === 'string' ? value : JSON.stringify(value));
