/** What `suppress` works on; n boxes. */
export interface Candidates {
  /** [n, 4] xyxy */
  boxes: ArrayLike<number>;
  /** [n] */
  scores: ArrayLike<number>;
  /** [n]; boxes of different classes do not suppress each other */
  labels: ArrayLike<number>;
}

/**
 * Greedy non-maximum suppression, class by class: in order of falling score (equal scores: by index) a box is kept unless
 * its IoU with a kept box of its class exceeds the limit.
 * @param iou the limit; a box of exactly this IoU is kept
 * @param maximum most boxes kept, over all classes
 * @returns indices of the kept boxes in order of falling score
 */
export function suppress({ boxes, scores, labels }: Candidates, iou: number, maximum: number): number[] {
  const order = Array.from({ length: scores.length }, (_, index) => index);
  order.sort((a, b) => scores[b] - scores[a] || a - b);
  const keptOfClass = new Map<number, number[]>();
  const kept: number[] = [];
  for (const index of order) {
    // Only better boxes suppress, so the first `maximum` kept ones do not depend on what follows.
    if (kept.length >= maximum) break;
    const rivals = keptOfClass.get(labels[index]) ?? [];
    if (rivals.some((rival) => overlap(boxes, rival, index) > iou)) continue;
    kept.push(index);
    rivals.push(index);
    keptOfClass.set(labels[index], rivals);
  }
  return kept;
}

/** IoU of two rows; 0 where both boxes are empty. */
function overlap(boxes: ArrayLike<number>, left: number, right: number): number {
  const a = 4 * left;
  const b = 4 * right;
  const width = Math.min(boxes[a + 2], boxes[b + 2]) - Math.max(boxes[a], boxes[b]);
  const height = Math.min(boxes[a + 3], boxes[b + 3]) - Math.max(boxes[a + 1], boxes[b + 1]);
  if (!(width > 0 && height > 0)) return 0;
  const shared = width * height;
  const areas =
    (boxes[a + 2] - boxes[a]) * (boxes[a + 3] - boxes[a + 1]) +
    (boxes[b + 2] - boxes[b]) * (boxes[b + 3] - boxes[b + 1]);
  return shared / (areas - shared);
}
