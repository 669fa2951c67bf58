import type { Box } from './boxes.js';
import {
  add,
  arctangent,
  clampAtZero,
  type Dual,
  divide,
  lift,
  maximum,
  minimum,
  multiply,
  subtract,
  variables,
} from './dual.js';

/** A box loss and its gradient with respect to the predicted box (x1, y1, x2, y2). */
export interface BoxLoss {
  loss: number;
  gradient: [number, number, number, number];
}

/** Smallest union, enclosing area and squared enclosing diagonal that is divided by. */
const EPSILON = 1e-7;

interface Overlap {
  union: Dual;
  iou: Dual;
  enclosingWidth: Dual;
  enclosingHeight: Dual;
}

function overlap(x1: Dual, y1: Dual, x2: Dual, y2: Dual, target: Box): Overlap {
  const width = clampAtZero(subtract(minimum(x2, target[2]), maximum(x1, target[0])));
  const height = clampAtZero(subtract(minimum(y2, target[3]), maximum(y1, target[1])));
  const intersection = multiply(width, height);
  const area = multiply(subtract(x2, x1), subtract(y2, y1));
  const targetArea = (target[2] - target[0]) * (target[3] - target[1]);
  const union = maximum(subtract(add(area, targetArea), intersection), EPSILON);
  return {
    union,
    iou: divide(intersection, union),
    enclosingWidth: clampAtZero(subtract(maximum(x2, target[2]), minimum(x1, target[0]))),
    enclosingHeight: clampAtZero(subtract(maximum(y2, target[3]), minimum(y1, target[1]))),
  };
}

/**
 * 1 - GIoU = 1 - IoU + (enclosing - union) / enclosing (Rezatofighi et al., CVPR 2019), boxes xyxy in any one unit.
 * Union and enclosing area are clamped to >= 1e-7.
 */
export function giouLoss(predicted: Box, target: Box): BoxLoss {
  const { union, iou, enclosingWidth, enclosingHeight } = overlap(...variables(predicted), target);
  const enclosing = maximum(multiply(enclosingWidth, enclosingHeight), EPSILON);
  const giou = subtract(iou, divide(subtract(enclosing, union), enclosing));
  const loss = subtract(1, giou);
  return { loss: loss.value, gradient: loss.partial };
}

/**
 * 1 - CIoU (Zheng et al., AAAI 2020): CIoU = IoU - rho^2/c^2 - v^2 / (1 - IoU + v),
 * v = (4/pi^2) (atan(w_t/h_t) - atan(w_p/h_p))^2. The gradient flows through the trade-off factor v/(1 - IoU + v) too,
 * as in the reference implementation. Where v = 0 that term and its gradient are 0 (0/0 of a perfect box otherwise).
 */
export function ciouLoss(predicted: Box, target: Box): BoxLoss {
  const [x1, y1, x2, y2] = variables(predicted);
  const { iou, enclosingWidth, enclosingHeight } = overlap(x1, y1, x2, y2, target);
  const dx = subtract(add(x1, x2), target[0] + target[2]);
  const dy = subtract(add(y1, y2), target[1] + target[3]);
  const centreDistance = divide(add(multiply(dx, dx), multiply(dy, dy)), 4);
  const diagonal = maximum(
    add(multiply(enclosingWidth, enclosingWidth), multiply(enclosingHeight, enclosingHeight)),
    EPSILON,
  );
  const angle = subtract(
    Math.atan2(target[2] - target[0], target[3] - target[1]),
    arctangent(subtract(x2, x1), subtract(y2, y1)),
  );
  const aspect = multiply(4 / Math.PI ** 2, multiply(angle, angle));
  const aspectTerm = aspect.value === 0 ? lift(0) : divide(multiply(aspect, aspect), add(subtract(1, iou), aspect));
  const ciou = subtract(subtract(iou, divide(centreDistance, diagonal)), aspectTerm);
  const loss = subtract(1, ciou);
  return { loss: loss.value, gradient: loss.partial };
}

/**
 * 1 - CIoU as Ultralytics computes it: 1e-7 is added to both heights, to the union and to the squared diagonal (nothing is
 * clamped to it), and the trade-off factor alpha = v/(v - IoU + 1 + 1e-7) has no gradient; CIoU = IoU - rho^2/c^2 - alpha v.
 */
export function ciouUltralyticsLoss(predicted: Box, target: Box): BoxLoss {
  const [x1, y1, x2, y2] = variables(predicted);
  const [width, height] = [subtract(x2, x1), add(subtract(y2, y1), EPSILON)];
  const [targetWidth, targetHeight] = [target[2] - target[0], target[3] - target[1] + EPSILON];
  const shared = multiply(
    clampAtZero(subtract(minimum(x2, target[2]), maximum(x1, target[0]))),
    clampAtZero(subtract(minimum(y2, target[3]), maximum(y1, target[1]))),
  );
  const areas = add(multiply(width, height), targetWidth * targetHeight);
  const iou = divide(shared, add(subtract(areas, shared), EPSILON));
  const enclosingWidth = subtract(maximum(x2, target[2]), minimum(x1, target[0]));
  const enclosingHeight = subtract(maximum(y2, target[3]), minimum(y1, target[1]));
  const diagonal = add(
    add(multiply(enclosingWidth, enclosingWidth), multiply(enclosingHeight, enclosingHeight)),
    EPSILON,
  );
  const dx = subtract(add(x1, x2), target[0] + target[2]);
  const dy = subtract(add(y1, y2), target[1] + target[3]);
  const centreDistance = divide(add(multiply(dx, dx), multiply(dy, dy)), 4);
  const angle = subtract(Math.atan2(targetWidth, targetHeight), arctangent(width, height));
  const aspect = multiply(4 / Math.PI ** 2, multiply(angle, angle));
  const alpha = aspect.value / (aspect.value - iou.value + 1 + EPSILON);
  const loss = add(subtract(1, iou), add(divide(centreDistance, diagonal), multiply(alpha, aspect)));
  return { loss: loss.value, gradient: loss.partial };
}
