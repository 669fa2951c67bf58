import { type AtssInput, assignAtss } from './atss.js';
import { diou, iou, pseudoDiou } from './boxes.js';

export interface VlrInput extends AtssInput {
  /**
   * reference: gamma t <= I / area(anchor) - rho^2/c^2 < t, the authors' code;
   * paper: gamma t <= DIoU <= t (Zheng et al., CVPR 2022, algorithm 1); none: no location.
   */
  form: 'reference' | 'paper' | 'none';
  /** Lower end of the interval as a share of t. 0.25 unless given. */
  gamma?: number | undefined;
}

/**
 * The valuable localization region of one image: per location (levels concatenated) the largest IoU with a ground truth
 * for which the location is in the region, 0 elsewhere. Includes positives and ignored anchors (the golden
 * case `ignored-regions` has ignored locations in the region). t is that of the assignment, in which ignored anchors are
 * far; the golden cases come out alike if they are not.
 */
export function valuableRegion(input: VlrInput): Float64Array {
  const { boxes, form, gamma = 0.25 } = input;
  const { levels, thresholds } = assignAtss(input);
  return Float64Array.from(
    levels.flatMap((level) => level.anchors),
    (anchor) => {
      let value = 0;
      if (form === 'none') return value;
      boxes.forEach((truth, g) => {
        const threshold = thresholds[g];
        const x = form === 'paper' ? diou(anchor, truth) : pseudoDiou(anchor, truth);
        const below = form === 'paper' ? x <= threshold : x < threshold;
        if (x >= gamma * threshold && below) value = Math.max(value, iou(anchor, truth));
      });
      return value;
    },
  );
}
