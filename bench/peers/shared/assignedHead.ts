import type { HeadLossInput } from '../../../src/losses/headInput.js';
import type { HeadLoss } from '../../../src/losses/headLoss.js';
import type { Maps } from '../../../src/tensor/layout.js';
import { Pyramid } from '../../../src/tensor/pyramid.js';

/**
 * What each location of a batch learns, computed beforehand and given to the peers: they have no regions on the GPU, their
 * users would assign on the CPU. Rows are locations: level by level, image by image, row-major; N of them.
 */
export interface HeadAssignment {
  /** N */
  rows: number;
  classes: number;
  bins: number;
  /** Rows of the P positives, rising. */
  positives: Int32Array;
  /** [P] */
  labels: Int32Array;
  /** [P, 2] x and y, in strides */
  centres: Float32Array;
  /** [P, 4] x1, y1, x2, y2 of the ground truth, in strides */
  targets: Float32Array;
  /** [P, 4] DFL's targets: distances from the centre in strides, clamped to [0, bins − 1 − margin] */
  distances: Float32Array;
  /** [P] target scores; 0 where the recipe's assigner gives none */
  scores: Float32Array;
  /** [P] 1 / number of positives of the level: class distillation is a mean within each level */
  levelShares: Float32Array;
  /** Rows of the V locations of the valuable region, rising. */
  valuable: Int32Array;
  /** [V] IoU of the anchor with its box */
  valuableWeights: Float32Array;
  /** What the classification loss is divided by: the sum over images of max(positives, 1). */
  samples: number;
}

/** Logits of a head as rows: [N, classes] and [N, 4 · bins]. */
export interface HeadRows {
  classLogits: Float32Array;
  boxLogits: Float32Array;
}

/** The regions of edgewise, read back. */
export async function assignHead(headLoss: HeadLoss, input: HeadLossInput): Promise<HeadAssignment> {
  const { grid, batch, classes, bins, recipe } = headLoss;
  const result = headLoss.evaluate(input);
  const regions = result.regions();
  const [label, matched, score, vlr, boxes] = await Promise.all(
    [regions.label, regions.matched, regions.score, regions.vlr, result.assignment.targets].map((tensor) =>
      tensor.read(),
    ),
  );
  result.dispose();
  const positives: number[] = [];
  const [centres, targets, distances, levelShares] = [0, 1, 2, 3].map((): number[] => []);
  const positivesOfImage = new Array<number>(batch).fill(0);
  let row = 0;
  for (const [level, { height, width }] of grid.levels.entries()) {
    const first = positives.length;
    for (let image = 0; image < batch; image++) {
      for (let cell = 0; cell < height * width; cell++, row++) {
        if (matched[row] < 0) continue;
        positives.push(row);
        positivesOfImage[image]++;
        const centre = [(cell % width) + grid.centreOffset, Math.floor(cell / width) + grid.centreOffset];
        centres.push(...centre);
        for (let edge = 0; edge < 4; edge++) {
          const target = boxes[4 * matched[row] + edge] / grid.strides[level];
          const distance = edge < 2 ? centre[edge] - target : target - centre[edge - 2];
          targets.push(target);
          distances.push(Math.min(Math.max(distance, 0), bins - 1 - recipe.dfl.margin));
        }
      }
    }
    const count = positives.length - first;
    levelShares.push(...new Array<number>(count).fill(1 / count));
  }
  const valuable = Array.from(vlr.keys()).filter((i) => vlr[i] > 0);
  return {
    rows: row,
    classes,
    bins,
    positives: Int32Array.from(positives),
    labels: Int32Array.from(positives, (i) => label[i]),
    centres: Float32Array.from(centres),
    targets: Float32Array.from(targets),
    distances: Float32Array.from(distances),
    scores: Float32Array.from(positives, (i) => score[i]),
    levelShares: Float32Array.from(levelShares),
    valuable: Int32Array.from(valuable),
    valuableWeights: Float32Array.from(valuable, (i) => vlr[i]),
    samples: positivesOfImage.reduce((sum, count) => sum + Math.max(count, 1), 0),
  };
}

/** A head's outputs, read back as rows. @throws Error unless they are pyramids */
export async function readRows({ classLogits, boxLogits }: { classLogits: Maps; boxLogits: Maps }): Promise<HeadRows> {
  return { classLogits: await rowsOf(classLogits), boxLogits: await rowsOf(boxLogits) };
}

/** [B, C, H, W] level by level, as [N, C]. */
async function rowsOf(maps: Maps): Promise<Float32Array> {
  if (!(maps instanceof Pyramid)) throw new Error('only pyramids are read as rows');
  const { batch, channels, levels } = maps;
  const values = await maps.read();
  const rows = new Float32Array(values.length);
  let at = 0;
  for (const { height, width, offset } of levels) {
    const area = height * width;
    for (let image = 0; image < batch; image++) {
      for (let cell = 0; cell < area; cell++) {
        for (let channel = 0; channel < channels; channel++) {
          rows[at++] = values[offset + (image * channels + channel) * area + cell];
        }
      }
    }
  }
  return rows;
}
