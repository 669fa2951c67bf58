import { assignAtss } from './atss.js';
import { type GridLevel, gridLevels } from './grid.js';
import type { HeadLossSettings } from './headLossSettings.js';
import { giboxRegion, imitationRegion } from './imitationRegion.js';
import type { HeadOutputs, ImageTruth } from './types.js';
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
  /** Imitation region, 1 inside; for `decouple` the foreground. All 0 where there is no teacher and the method is gibox. */
  imitation: Uint8Array;
}

/** Assignment, valuable region and imitation region of a batch, regrouped from images to levels. */
export function headRegions(
  settings: HeadLossSettings,
  truth: readonly ImageTruth[],
  student: HeadOutputs,
  teacher: HeadOutputs | undefined,
): LevelRegions[] {
  const { batch, classes, bins, imitation } = settings;
  const images = truth.map((image) => {
    const input = { ...settings, ...image };
    const assignment = assignAtss(input);
    const { method } = imitation;
    const positive = assignment.state.map((state) => (state === 1 ? 1 : 0));
    return {
      ...assignment,
      vlr: valuableRegion({ ...input, ...settings.vlr }),
      imitation:
        method === 'gibox'
          ? new Uint8Array(assignment.state.length)
          : imitationRegion(method, assignment.levels, image, positive),
    };
  });
  return gridLevels(settings).map((level, l) => {
    const end = level.first + level.anchors.length;
    const join = (part: (image: (typeof images)[number]) => ArrayLike<number>) =>
      images.flatMap((image) => Array.from(part(image)).slice(level.first, end));
    // Only this method looks at predictions.
    const gibox = imitation.method === 'gibox' ? teacher : undefined;
    return {
      level,
      state: Int8Array.from(join((image) => image.state)),
      label: Int32Array.from(join((image) => image.label)),
      truthIndex: Int32Array.from(join((image) => image.truthIndex)),
      vlr: Float64Array.from(join((image) => image.vlr)),
      imitation: gibox
        ? giboxRegion({
            level,
            batch,
            classes,
            bins,
            student: { classLogits: student.classLogits[l], boxLogits: student.boxLogits[l] },
            teacher: { classLogits: gibox.classLogits[l], boxLogits: gibox.boxLogits[l] },
            scope: imitation.giboxScope,
          })
        : Uint8Array.from(join((image) => image.imitation)),
    };
  });
}
