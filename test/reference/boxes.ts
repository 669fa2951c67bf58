/** x1, y1, x2, y2; width = x2 - x1 (no +1). */
export type Box = readonly [number, number, number, number];

/** Four consecutive values at `row` of a flat [N, 4] array as a box. */
export function boxAt(values: ArrayLike<number>, row: number): Box {
  return [values[4 * row], values[4 * row + 1], values[4 * row + 2], values[4 * row + 3]];
}

export function scaled(box: Box, factor: number): Box {
  return [factor * box[0], factor * box[1], factor * box[2], factor * box[3]];
}

function area(box: Box): number {
  return (box[2] - box[0]) * (box[3] - box[1]);
}

function intersection(a: Box, b: Box): number {
  const width = Math.max(0, Math.min(a[2], b[2]) - Math.max(a[0], b[0]));
  const height = Math.max(0, Math.min(a[3], b[3]) - Math.max(a[1], b[1]));
  return width * height;
}

/** Intersection over union; the denominator is at least `epsilon`. */
export function iou(a: Box, b: Box, epsilon = 1e-6): number {
  const shared = intersection(a, b);
  return shared / Math.max(area(a) + area(b) - shared, epsilon);
}

/** Intersection over the area of the first box; the denominator is at least 1e-6. */
export function iof(a: Box, b: Box): number {
  return intersection(a, b) / Math.max(area(a), 1e-6);
}

/** rho^2 / c^2: squared centre distance over the squared diagonal of the enclosing box (at least 1e-6). */
function centrePenalty(a: Box, b: Box): number {
  const dx = (a[0] + a[2] - b[0] - b[2]) / 2;
  const dy = (a[1] + a[3] - b[1] - b[3]) / 2;
  const width = Math.max(a[2], b[2]) - Math.min(a[0], b[0]);
  const height = Math.max(a[3], b[3]) - Math.min(a[1], b[1]);
  return (dx * dx + dy * dy) / Math.max(width * width + height * height, 1e-6);
}

/** DIoU (Zheng et al., AAAI 2020): IoU - rho^2/c^2. Symmetric. */
export function diou(a: Box, b: Box): number {
  return iou(a, b) - centrePenalty(a, b);
}

/**
 * What the reference implementation computes under the name DIoU for the valuable region:
 * intersection / area(anchor) - rho^2/c^2. Not symmetric: the anchor comes first.
 */
export function pseudoDiou(anchor: Box, truth: Box): number {
  return iof(anchor, truth) - centrePenalty(anchor, truth);
}

/** Smallest of the four distances from a point to the edges of a box; positive iff the point is strictly inside. */
export function insideMargin(x: number, y: number, box: Box): number {
  return Math.min(x - box[0], y - box[1], box[2] - x, box[3] - y);
}
