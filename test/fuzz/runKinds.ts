import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { table } from '../../src/cli/table.js';
import { stylesOf } from '../../src/report/figures/names.js';
import { trainingFigure } from '../../src/report/figures/training.js';
import { openRuns } from '../../src/report/runs.js';
import { storedMeasures } from '../../src/report/stored.js';
import { runsSection } from '../../src/report/tables/runs.js';
import { studySections } from '../../src/report/tables/study.js';
import type { RunSummary } from '../../src/report/types.js';
import { describeResults, tableCells } from '../../src/study/markdown.js';
import { collectResults } from '../../src/study/results.js';
import type { Random } from '../../src/tensor/random.js';
import { CHECKPOINT } from '../../src/train/checkpoint.js';
import { EpochReader, EpochWriter } from '../../src/train/epochFile.js';
import { findHalf, packedWords } from '../../src/train/halves.js';
import { loadWeights } from '../../src/train/weights.js';
import { claim } from '../../src/util/claim.js';
import { InputError } from '../../src/util/error.js';
import { self } from '../../src/util/owner.js';
import { storedStudy } from '../study/storedStudy.js';
import { storedRun, writeRun, writeTexts } from '../train/storedRun.js';
import type { FuzzKind } from './kind.js';
import { mutateBytes, mutateJson, mutateSafetensors, mutateText, pick } from './mutate.js';
import { once } from './once.js';

type Part = 'run' | 'log' | 'metadata' | 'measures' | 'tensors';

/** Of a run that is whole. Files that are made whole are waited for until they are on the disk: once is enough. */
const checkpointBytes = once(async () => {
  const folder = await mkdtemp(join(tmpdir(), 'edgewise-run-'));
  await writeRun(folder, storedRun());
  const bytes = await readFile(join(folder, CHECKPOINT));
  await rm(folder, { recursive: true });
  return bytes;
});

/** A run's folder with one of its files changed; none: all are whole. */
async function writeChanged(folder: string, part: Part | null, random: Random): Promise<void> {
  const stored = storedRun();
  if (part === 'metadata') return writeRun(folder, { ...stored, metadata: mutateJson(stored.metadata, random) });
  const bytes = await checkpointBytes();
  const log = part === 'log' ? mutateLog(stored.log, random) : stored.log;
  const changed = part === 'run' || part === 'measures' ? { [part]: mutateJson(stored[part], random) } : {};
  await writeTexts(folder, { ...stored, log, ...changed });
  await writeFile(join(folder, CHECKPOINT), part === 'tensors' ? mutateSafetensors(bytes, random) : bytes);
}

function mutateLog(log: readonly unknown[], random: Random): string {
  const lines = log.map((line) => JSON.stringify(line));
  lines[random.integer(lines.length)] = mutateJson(pick(random, log), random);
  const text = `${lines.join('\n')}\n`;
  return random.next() < 0.2 ? mutateText(text, random) : text;
}

/** What a report says of runs. */
async function describeRuns(folder: string): Promise<string> {
  const runs = await openRuns([folder]);
  const summaries = await Promise.all(
    runs.map(async ({ name, role, checkpoint, description, log }): Promise<RunSummary | null> => {
      const measures = await storedMeasures(folder, 'val', 4);
      const { detector, recipe, settings } = checkpoint.metadata;
      const about = { folder, name, role, size: detector.size ?? '', parameters: description.parameters };
      return measures && { ...about, recipe: recipe.name, ld: false, seed: settings.seed, log, measures };
    }),
  );
  const found = summaries.filter((one) => one !== null);
  const figure = trainingFigure(found, stylesOf(found, []));
  return [runsSection(found).content, ...(figure?.panels.map(({ label }) => label) ?? [])].join('\n');
}

const run = (part: Part, name: string): FuzzKind => ({
  name,
  write: (folder, random) => writeChanged(folder, part, random),
  read: describeRuns,
  command: ['report', '.', '--images', '2', '--out', 'report.html'],
});

const weights: FuzzKind = {
  name: 'weights',
  write: (folder, random) => writeChanged(folder, 'tensors', random),
  async read(folder) {
    const read = await loadWeights(join(folder, CHECKPOINT));
    return [...read.values()].map(({ shape, data }) => `${shape.join('×')} ${Array.from(data).join(' ')}`).join('\n');
  },
  command: ['export', 'checkpoint.safetensors', '--safetensors', 'out.safetensors'],
};

const study: FuzzKind = {
  name: 'study',
  async write(folder, random) {
    const files = storedStudy();
    const runFolder = join(folder, dirname(Object.keys(files)[2]));
    await mkdir(join(folder, 'plans'));
    const changed = pick(random, [...Object.keys(files), 'measures']);
    await writeChanged(runFolder, changed === 'measures' ? changed : null, random);
    for (const [file, value] of Object.entries(files)) {
      await writeFile(join(folder, file), file === changed ? mutateJson(value, random) : JSON.stringify(value));
    }
  },
  async read(folder) {
    const results = await collectResults(folder);
    const tables = results.plans.flatMap((plan) => plan.tables.map((one) => table(tableCells(one))));
    const sections = studySections(results).map(({ content }) => content);
    return [describeResults(results), ...tables, ...sections].join('\n');
  },
  command: ['study', '--results', '.'],
};

const SHAPES = [{ batch: 2, channels: 3, sizes: [{ width: 4, height: 3 }] }];
const EPOCH = { key: 'abc', words: packedWords(SHAPES), records: 3 };

/** A file of a teacher's cache whose halves are all near 1. */
const cacheBytes = once(async () => {
  const folder = await mkdtemp(join(tmpdir(), 'edgewise-cache-'));
  const writer = await EpochWriter.create(join(folder, 'epoch.f16'), EPOCH);
  for (let i = 0; i < EPOCH.records; i++) writer.add(Promise.resolve(new Uint32Array(EPOCH.words).fill(0x3c003bff)));
  await writer.close();
  const bytes = await readFile(join(folder, 'epoch.f16'));
  await rm(folder, { recursive: true });
  return bytes;
});

const teacherCache: FuzzKind = {
  name: "teacher's cache",
  async write(folder, random) {
    const bytes = Buffer.from(await cacheBytes());
    const half = pick(random, [0x7c00, 0xfc00, 0x7e01, 0x0001, 0xfbff]);
    const isCut = random.next() < 0.3;
    if (!isCut) bytes.writeUint16LE(half, 2 * random.integer(bytes.length / 2));
    await writeFile(join(folder, 'epoch.f16'), isCut ? mutateBytes(bytes, random) : bytes);
  },
  async read(folder) {
    const warn = (message: string) => {
      throw new InputError(message);
    };
    // A warning, after which the teacher computes.
    const reader = await EpochReader.open(join(folder, 'epoch.f16'), EPOCH, warn);
    if (reader === null) throw new Error('a file that is there is not read, without a word');
    try {
      const shown: string[] = [];
      for (let step = 0; step < EPOCH.records; step++) {
        const words = await reader.read(step).catch((error: Error) => warn(error.message));
        shown.push(words && findHalf(words, SHAPES, { from: 0x7c00, to: 0x7fff }) ? 'NaN' : 'finite');
      }
      return shown.join(' ');
    } finally {
      await reader.close();
    }
  },
};

// Of no process: the largest id is 2²².
const CLAIM = { ...self(), pid: 2 ** 22 + 1, since: '2026-01-01T00:00:00.000Z' };

const claimFile: FuzzKind = {
  name: 'claim',
  write: (folder, random) => writeFile(join(folder, 'training.0'), mutateJson(CLAIM, random)),
  async read(folder) {
    const claimed = await claim(folder, 'training');
    if ('heldBy' in claimed) throw new InputError(`${claimed.heldBy.host} ${claimed.heldBy.since}`);
    await claimed.release();
    return 'claimed';
  },
};

export const runKinds: readonly FuzzKind[] = [
  run('run', 'run.json'),
  run('log', 'log.jsonl'),
  run('metadata', 'metadata of a checkpoint'),
  run('tensors', 'checkpoint'),
  run('measures', 'measures.json'),
  weights,
  teacherCache,
  study,
  claimFile,
];
