import { readSafetensors, type SafetensorsFile } from '../data/safetensors.js';
import { type ImitationMethod, type Recipe, resolveRecipe } from '../losses/recipe.js';
import { type Grid, makeGrid } from '../regions/grid.js';
import type { GroundTruth } from '../regions/truth.js';
import { shortened } from '../util/readable.js';
import { parseBckd } from './goldenBckd.js';
import { GoldenFile, isStrides, readTruth } from './goldenFile.js';
import { type GoldenHeadCase, isGoldenHead, parseGoldenHead } from './goldenHead.js';
import { type GoldenLoss, readLoss } from './goldenLoss.js';

/** The reference implementation's imitation methods -> ours: its `fitnet` is the region inside the boxes. */
const METHODS = {
  fitnet: 'inside',
  finegrained: 'finegrained',
  gibox: 'gibox',
  decouple: 'decouple',
} as const satisfies Record<string, ImitationMethod>;

type GoldenMethod = (typeof METHODS)[keyof typeof METHODS];

/** What other people's code assigned to each location, per level in the order image, row, column; N = B·H·W. */
export interface GoldenAssignment {
  /** [N] class, or `classes` for background */
  label: Float32Array;
  /** [N] label weight, 0 where ignored */
  weight: Float32Array;
  /** [N, 4] matched box of a positive, else 0 */
  box?: Float32Array;
  /** [N] weight in the valuable localization region, 0 outside */
  vlr?: Float32Array;
  /** [N] imitation mask; for `gibox` that of the inside of the boxes */
  imitation?: Float32Array;
}

/** One call of the reference implementation, or of another one of distillation, on given inputs. */
export interface GoldenCase {
  /** Where it was read from. */
  file: string;
  /** Images. */
  batch: number;
  /** Number of classes. */
  classes: number;
  /** Image size and strides. */
  grid: Grid;
  /** The objects. */
  truth: GroundTruth;
  /** Of feature imitation; null where the case has none. */
  method: GoldenMethod | null;
  /** The recipe `reference`, or `bckd`, with the figures of the case. */
  recipe: Recipe;
  /** One entry a level. */
  assignment: GoldenAssignment[];
  /** Null in files that hold assignments only. */
  loss: GoldenLoss | null;
}

/**
 * Reads a golden case: a safetensors file with one call of the reference implementation's head loss, its inputs, assignments,
 * loss terms a level and gradients; the repository's test/golden/README.md names the keys. Files without logits hold assignments only.
 * @throws InputError the file is missing, cut short, or no golden case: it names the file, the key and what was expected
 */
export async function loadGoldenCase(file: string): Promise<GoldenCase | GoldenHeadCase> {
  return parseGoldenCase(await readSafetensors(file), file);
}

/**
 * The golden case in a safetensors file that has been read.
 * @param file its name, for errors
 * @throws InputError the file is no golden case: it names the key and what was expected
 */
export function parseGoldenCase({ tensors, metadata }: SafetensorsFile, file: string): GoldenCase | GoldenHeadCase {
  const read = new GoldenFile(file, tensors, metadata);
  if (metadata.head === 'bckd') return parseBckd(read);
  if (isGoldenHead(metadata)) return parseGoldenHead(read);
  const grid = makeGrid({
    imageSize: { width: read.integer('width'), height: read.integer('height') },
    strides: read.json('strides', 'a list of 1 to 8 strides in pixels', isStrides),
  });
  const batch = read.integer('batch');
  const classes = read.integer('classes');
  const name = read.text('imitation');
  if (!Object.hasOwn(METHODS, name)) {
    throw read.wrong(`metadata imitation is ${shortened(name, 60)}`, `one of ${Object.keys(METHODS).join(', ')}`);
  }
  const method = METHODS[name as keyof typeof METHODS];
  const ignoreIofThreshold = read.number('ignoreIofThreshold', -Infinity);
  const perLevel = (key: string, trailing: readonly number[] = []) =>
    grid.areas.map((area, level) => read.tensor(`${key}.${level}`, [batch, area, ...trailing]));
  const [label, weight, box, vlr, imitation] = [
    perLevel('assign.label'),
    perLevel('assign.weight'),
    perLevel('assign.box', [4]),
    perLevel('assign.vlr'),
    perLevel('assign.imitation'),
  ];
  const shared = {
    file,
    batch,
    classes,
    grid,
    method,
    truth: readTruth(read, batch, classes),
    assignment: grid.areas.map((_, level) => ({
      label: label[level],
      weight: weight[level],
      box: box[level],
      vlr: vlr[level],
      imitation: imitation[level],
    })),
  };
  const base = resolveRecipe('reference');
  const recipe = { ...base, regions: { ...base.regions, ignoreIofThreshold } };
  if (!('losses' in metadata) && !tensors.has('student.cls.0')) return { ...shared, recipe, loss: null };

  const weightOfImitation = read.number('imitationWeight', 0);
  const imitates = weightOfImitation > 0;
  return {
    ...shared,
    recipe: {
      ...recipe,
      ld: { ...recipe.ld, temperature: read.number('temperatureLd', Number.MIN_VALUE) },
      kd: { ...recipe.kd, temperature: read.number('temperatureKd', Number.MIN_VALUE) },
      imitation: imitates ? { ...recipe.imitation, method, weight: weightOfImitation } : recipe.imitation,
    },
    loss: readLoss(read, { batch, classes, grid, imitates }),
  };
}
