import type { Recipe } from '../../src/losses/recipe.js';
import { assignAtss } from './atss.js';
import { type GridLevel, gridLevels } from './grid.js';
import { giboxRegion, imitationRegion } from './imitationRegion.js';
import type { HeadOutputs, HeadSizes, ImageTruth } from './types.js';
import { valuableRegion } from './vlr.js';

/** What each location of one level learns; every array [B, H*W]. */
export interface LevelRegions {
  level: GridLevel;
  /** 1 positive, 0 negative, -1 ignored. */
  state: Int8Array;
  /** Class of a positive, -1 elsewhere. */
  label: Int32Array;
  /** Ground truth of its image that a positive belongs to, -1 elsewhere. */
  truthIndex: Int32Array;
  /** IoU in the valuable region, 0 outside. */
  vlr: Float64Array;
  /** Imitation region, 1 inside; for `decouple` the foreground. All 0 without a method, and for gibox without a teacher. */
  imitation: Uint8Array;
}

/** Assignment, valuable region and imitation region of a batch, regrouped from images to levels. */
export function headRegions(
  sizes: HeadSizes,
  { regions, box, imitation: { method } }: Recipe,
  truth: readonly ImageTruth[],
  student: HeadOutputs,
  teacher: HeadOutputs | undefined,
): LevelRegions[] {
  const { batch, classes, bins } = sizes;
  const { topk, octaveScale, centreOffset, ignoreIofThreshold, vlr: form, gamma } = regions;
  const grid = { ...sizes, octaveBaseScale: octaveScale, centreOffset };
  const looksAtBoxes = method === 'gibox' || method === 'gibox-image';
  const images = truth.map((image) => {
    const input = { ...grid, topk, ignoreIofThreshold, ...image };
    const assignment = assignAtss(input);
    const positive = assignment.state.map((state) => (state === 1 ? 1 : 0));
    return {
      ...assignment,
      vlr: valuableRegion({ ...input, form, gamma }),
      imitation:
        looksAtBoxes || method === 'none'
          ? new Uint8Array(assignment.state.length)
          : imitationRegion(method, assignment.levels, image, positive),
    };
  });
  return gridLevels(grid).map((level, l) => {
    const end = level.first + level.anchors.length;
    const join = (part: (image: (typeof images)[number]) => ArrayLike<number>) =>
      images.flatMap((image) => Array.from(part(image)).slice(level.first, end));
    return {
      level,
      state: Int8Array.from(join((image) => image.state)),
      label: Int32Array.from(join((image) => image.label)),
      truthIndex: Int32Array.from(join((image) => image.truthIndex)),
      vlr: Float64Array.from(join((image) => image.vlr)),
      imitation:
        looksAtBoxes && teacher
          ? giboxRegion({
              level,
              batch,
              classes,
              parameters: { parameters: box.parameters, bins, anchor: octaveScale },
              student: { classLogits: student.classLogits[l], boxLogits: student.boxLogits[l] },
              teacher: { classLogits: teacher.classLogits[l], boxLogits: teacher.boxLogits[l] },
              scope: method === 'gibox' ? 'batch' : 'image',
            })
          : Uint8Array.from(join((image) => image.imitation)),
    };
  });
}
