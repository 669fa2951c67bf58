import { type Answer, type HeadGrid, type Look, NETS } from '../protocol.js';

/** Left, top, right, bottom: the order of the logits. */
export const EDGES = ['left', 'top', 'right', 'bottom'] as const;

/** An edge as a net sees it from one location. */
export interface Edge {
  /** [bins] pixels: x of a left or right edge, y of a top or bottom one */
  positions: number[];
  /** [bins] */
  probabilities: number[];
  /** Of the distribution, in pixels. */
  mean: number;
  deviation: number;
}

/** A location: its level, and the index in the level's map. */
export interface Place {
  level: number;
  index: number;
  /** Of the anchor, in pixels. */
  x: number;
  y: number;
}

/** @param location of the image, levels concatenated */
export function placeOf(grid: HeadGrid, location: number): Place {
  let index = location;
  let level = 0;
  for (; index >= grid.levels[level].height * grid.levels[level].width; level++) {
    index -= grid.levels[level].height * grid.levels[level].width;
  }
  const { width } = grid.levels[level];
  const stride = grid.strides[level];
  const x = ((index % width) + grid.centreOffset) * stride;
  const y = (Math.floor(index / width) + grid.centreOffset) * stride;
  return { level, index, x, y };
}

/**
 * Where each net's edges of an object are read. Nets with the students' grid are read at one location: of the object's positives, that where
 * the teacher is surest of its class, or a student where the teacher has another grid; where there are none, of all locations in its
 * box. A teacher with another grid is read where it is surest in the box.
 */
export function locationsOf(look: Look, object: number): (answer: Answer) => number {
  const isShared = ({ grid }: Answer) => isSameGrid(grid, look.grid);
  const judge = NETS.map((name) => look.answers[name]).find((answer) => answer && isShared(answer));
  const shared = judge ? (surest(look, judge, object, 'positive') ?? surest(look, judge, object, 'inside') ?? 0) : 0;
  return (answer) => (isShared(answer) ? shared : (surest(look, answer, object, 'inside') ?? 0));
}

/** Whether the logits of two answers are of the same places. */
export function isSameGrid(one: HeadGrid, other: HeadGrid): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

/** Of an object's positives, or of all locations in its box, that where a net is surest of its class; null where there are none. */
function surest(
  look: Look,
  { grid, scores }: Answer,
  object: number,
  candidates: 'positive' | 'inside',
): number | null {
  const [x1, y1, x2, y2] = look.boxes.subarray(4 * object, 4 * object + 4);
  let best: { location: number | null; score: number } = { location: null, score: Number.NEGATIVE_INFINITY };
  let location = 0;
  for (const [level, { height, width }] of grid.levels.entries()) {
    for (let index = 0; index < height * width; index++, location++) {
      const { x, y } = placeOf(grid, location);
      const isCandidate =
        candidates === 'positive' ? look.matched[location] === object : x > x1 && x < x2 && y > y1 && y < y2;
      const score = scores[channelOf(grid, scores, level, index, look.labels[object])];
      if (isCandidate && score > best.score) best = { location, score };
    }
  }
  return best.location;
}

/** What a net sees of the four edges; `earlier` and `share` blend its logits with those before. */
export function edgesOf(answer: Answer, location: number, earlier: Answer | null, share: number): Edge[] {
  const { grid } = answer;
  const { bins, strides } = grid;
  const { level, index, x, y } = placeOf(grid, location);
  return EDGES.map((_, edge) => {
    const logits = Array.from({ length: bins }, (__, bin) => {
      const at = channelOf(grid, answer.logits, level, index, edge * bins + bin);
      return earlier ? (1 - share) * earlier.logits[at] + share * answer.logits[at] : answer.logits[at];
    });
    const largest = Math.max(...logits);
    const weights = logits.map((logit) => Math.exp(logit - largest));
    const sum = weights.reduce((a, b) => a + b);
    const probabilities = weights.map((weight) => weight / sum);
    const direction = edge < 2 ? -1 : 1;
    const positions = probabilities.map((_p, bin) => (edge % 2 === 0 ? x : y) + direction * bin * strides[level]);
    const mean = probabilities.reduce((total, p, bin) => total + p * positions[bin], 0);
    const variance = probabilities.reduce((total, p, bin) => total + p * (positions[bin] - mean) ** 2, 0);
    return { positions, probabilities, mean, deviation: Math.sqrt(variance) };
  });
}

/** The object under a point: the smallest box around it; −1 where there is none. */
export function objectAt({ boxes, labels }: Look, x: number, y: number): number {
  let found = { object: -1, area: Infinity };
  for (let object = 0; object < labels.length; object++) {
    const [x1, y1, x2, y2] = boxes.subarray(4 * object, 4 * object + 4);
    const area = (x2 - x1) * (y2 - y1);
    if (x >= x1 && x <= x2 && y >= y1 && y <= y2 && area < found.area) found = { object, area };
  }
  return found.object;
}

/** Index of an element of a pyramid of one image. */
function channelOf(grid: HeadGrid, values: ArrayLike<number>, level: number, index: number, channel: number): number {
  const areas = grid.levels.map(({ height, width }) => height * width);
  const channels = values.length / areas.reduce((a, b) => a + b);
  const before = areas.slice(0, level).reduce((a, b) => a + b, 0);
  return channels * before + channel * areas[level] + index;
}
