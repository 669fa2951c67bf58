import { resolveRecipe } from '../losses/recipe.js';
import { makeGrid } from '../regions/grid.js';
import { type GoldenFile, isStrides, readTruth } from './goldenFile.js';
import { readLoss } from './goldenLoss.js';

/**
 * A case of Bridging Cross-task Protocol Inconsistency (Yang et al., ICCV 2023): its two terms alone, class distillation and IoU
 * distillation at all locations, on ATSS.
 * @throws InputError the file holds none: it names the key and what was expected
 */
export function parseBckd(read: GoldenFile) {
  const [batch, classes] = [read.integer('batch'), read.integer('classes')];
  const grid = makeGrid({
    imageSize: { width: read.integer('width'), height: read.integer('height') },
    strides: read.json('strides', 'a list of 1 to 8 strides in pixels', isStrides),
    centreOffset: read.number('centreOffset', -Infinity),
  });
  const weights = read.json('weights', 'numbers kd and iouLd of at least 0', isWeights);
  const { regions, classification, box, dfl, kd, iouLd, ...base } = resolveRecipe('bckd');
  return {
    file: read.file,
    batch,
    classes,
    grid,
    method: null,
    truth: readTruth(read, batch, classes),
    recipe: resolveRecipe({
      ...base,
      regions: {
        ...regions,
        centreOffset: grid.centreOffset,
        ignoreIofThreshold: read.number('ignoreIofThreshold', -Infinity),
      },
      classification: { ...classification, weight: 0 },
      box: { ...box, weight: 0 },
      dfl: { ...dfl, weight: 0 },
      kd: { ...kd, all: weights.kd, beta: read.number('beta', 0) },
      iouLd: { ...iouLd, weight: weights.iouLd },
    }),
    assignment: grid.areas.map((area, level) => ({
      label: read.tensor(`assign.label.${level}`, [batch, area]),
      weight: read.tensor(`assign.weight.${level}`, [batch, area]),
    })),
    loss: readLoss(read, { batch, classes, grid, imitates: false }),
  };
}

function isWeights(value: unknown): value is { kd: number; iouLd: number } {
  const weights = (value ?? {}) as Record<string, unknown>;
  return ['kd', 'iouLd'].every((name) => typeof weights[name] === 'number' && weights[name] >= 0);
}
