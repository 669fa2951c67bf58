import { Random } from '../tensor/random.js';
import { InputError } from '../util/error.js';
import { addNoise, type Canvas, type Distance, drawBar, drawGround, drawObject } from './canvas.js';
import type { CocoAnnotation, GroundTruth } from './groundTruth.js';
import type { ImageSource, Sample } from './source.js';

// Keeps the drawing's random numbers apart from those of whoever else derives a generator from (seed, index).
const STREAM = 0x5ba9e5;
const MIN_OBJECTS = 3;
const MAX_OBJECTS = 8;
const SMALLEST_SIZE = 16;
const LARGEST_SIZE = 64;
/** Objects may hide each other, but not so far that nothing is left to see: bounds of IoU and of overlap to smaller area. */
const LARGEST_IOU = 0.35;
const LARGEST_COVER = 0.55;

const CLASSES = ['ellipse', 'rectangle', 'triangle'].map((name, index) => ({ id: index + 1, name }));
/** The colour that each class varies about: what a thing is should be easy to learn here, and where it ends hard. */
const TINTS = [
  [200, 85, 80],
  [80, 170, 90],
  [85, 100, 205],
];

/** Images of the largest set: each is drawn whenever it is needed. */
export const MAX_SHAPES = 1_000_000;

/** What fixes a generated data set. */
export interface ShapesOptions {
  /** Number of images. */
  count: number;
  /** Size of each in pixels, 128 × 128 unless given. */
  width?: number;
  /** Likewise. */
  height?: number;
  /** Another seed, other images. */
  seed: number;
}

/**
 * The built-in generated data set: ellipses, rectangles and triangles of 16–64 pixels on a textured, noisy ground, up to
 * eight an image, each with its exact box. They overlap, some lie partly behind a striped bar, and most edges fade over
 * several pixels, farther on one side than on the other: a fading edge says where it may be, not where it is, which is
 * what a teacher's edge distribution can tell a student and a single number cannot.
 *
 * @returns images that are a function of seed and index alone
 * @throws {InputError} a size is too small to hold a shape, or count is not a positive integer
 */
export function shapesDataset({ count, width = 128, height = 128, seed }: ShapesOptions): ImageSource {
  if (!Number.isSafeInteger(count) || count < 1 || count > MAX_SHAPES)
    throw new InputError(`count is ${count}, expected 1 to ${MAX_SHAPES} images`);
  for (const [name, size] of Object.entries({ width, height }))
    if (!Number.isSafeInteger(size) || size < 2 * SMALLEST_SIZE)
      throw new InputError(`${name} is ${size}, expected an integer of at least ${2 * SMALLEST_SIZE} pixels`);
  return {
    length: count,
    classes: CLASSES,
    load: async (index) => drawScene(Random.of(STREAM, seed, index), width, height, index + 1),
  };
}

/** The annotations of a source as COCO's evaluation takes them; ignored regions become crowds of the first class. */
export async function toCoco(source: ImageSource): Promise<GroundTruth & { annotations: CocoAnnotation[] }> {
  const annotations: CocoAnnotation[] = [];
  const truth: GroundTruth = { images: [], categories: source.classes, annotations };
  for (let index = 0; index < source.length; index++) {
    const { id: image_id, width, height, boxes, labels, ignore } = await source.load(index);
    truth.images.push({ id: image_id, file_name: `${String(image_id).padStart(6, '0')}.png`, width, height });
    const add = ([x1, y1, x2, y2]: Float32Array, category_id: number, iscrowd: 0 | 1) => {
      const id = annotations.length + 1;
      const area = (x2 - x1) * (y2 - y1);
      annotations.push({ id, image_id, category_id, bbox: [x1, y1, x2 - x1, y2 - y1], area, iscrowd });
    };
    for (let i = 0; i < labels.length; i++) add(boxes.subarray(4 * i, 4 * i + 4), source.classes[labels[i]].id, 0);
    for (let i = 0; i < ignore.length / 4; i++) add(ignore.subarray(4 * i, 4 * i + 4), source.classes[0].id, 1);
  }
  return { ...truth, annotations };
}

function drawScene(random: Random, width: number, height: number, id: number): Sample {
  const canvas: Canvas = { values: new Float32Array(width * height * 3), width, height };
  const ground = drawGround(canvas, random);
  const boxes: number[][] = [];
  const labels: number[] = [];
  const wanted = MIN_OBJECTS + random.integer(MAX_OBJECTS - MIN_OBJECTS + 1);
  const largest = Math.min(LARGEST_SIZE, 0.6 * Math.min(width, height));
  for (let attempt = 0; boxes.length === 0 || (attempt < 6 * wanted && boxes.length < wanted); attempt++) {
    const label = random.integer(CLASSES.length);
    const size = SMALLEST_SIZE * (largest / SMALLEST_SIZE) ** random.next();
    const { extent, place } = makeShape(label, size, random);
    // The centre may come as near to the border as a quarter of the shape: then a part of it is cut off.
    const [left, top, right, bottom] = extent;
    const x = random.uniform(-left - 0.25 * (right - left), width - right + 0.25 * (right - left));
    const y = random.uniform(-top - 0.25 * (bottom - top), height - bottom + 0.25 * (bottom - top));
    const box = [Math.max(x + left, 0), Math.max(y + top, 0), Math.min(x + right, width), Math.min(y + bottom, height)];
    if (Math.max(right - left, bottom - top) > largest) continue;
    if (Math.min(box[2] - box[0], box[3] - box[1]) < 0.7 * SMALLEST_SIZE) continue;
    if (boxes.some((other) => hides(box, other))) continue;
    drawObject(canvas, place(x, y), [x, y], box, { ground, tint: TINTS[label] }, random);
    const bar = random.next() < 0.3 ? barOver(box, random) : undefined;
    if (bar && !boxes.some((other) => hides(bar, other))) drawBar(canvas, bar, ground, random);
    boxes.push(box);
    labels.push(label);
  }
  return {
    pixels: addNoise(canvas, random),
    width,
    height,
    boxes: Float32Array.from(boxes.flat()),
    labels: Int32Array.from(labels),
    ignore: new Float32Array(0),
    id,
  };
}

/** A shape about the origin: its extent [left, top, right, bottom] and, once it has a place, its distance. */
function makeShape(
  label: number,
  size: number,
  random: Random,
): { extent: number[]; place: (x: number, y: number) => Distance } {
  const aspect = random.uniform(0.55, 1);
  if (CLASSES[label].name === 'ellipse') {
    const angle = random.uniform(0, Math.PI);
    const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
    const [a, b] = [size / 2, (size / 2) * aspect];
    const halfWidth = Math.hypot(a * cos, b * sin);
    const halfHeight = Math.hypot(a * sin, b * cos);
    return {
      extent: [-halfWidth, -halfHeight, halfWidth, halfHeight],
      place: (cx, cy) => (x, y) => {
        const u = (x - cx) * cos + (y - cy) * sin;
        const v = (y - cy) * cos - (x - cx) * sin;
        // First-order distance: f / |∇f| of f = |(u/a, v/b)| − 1.
        const radius = Math.hypot(u / a, v / b);
        return (radius * (radius - 1)) / Math.max(Math.hypot(u / (a * a), v / (b * b)), 1e-6);
      },
    };
  }
  const corners =
    CLASSES[label].name === 'rectangle'
      ? turn(
          [
            [-1, -1],
            [1, -1],
            [1, 1],
            [-1, 1],
          ],
          random.uniform(-0.35, 0.35),
          [size / 2, (size / 2) * aspect],
        )
      : turn(
          [
            [0, -1],
            [1, 0.8],
            [-1, 0.8],
          ],
          random.uniform(0, 2 * Math.PI),
          [(size / 2) * aspect, size / 2],
        );
  const xs = corners.map(([x]) => x);
  const ys = corners.map(([, y]) => y);
  // A convex polygon is the intersection of half-planes; corners are listed so that the normal (dy, −dx) points outward.
  const sides = corners.map(([x, y], i) => {
    const [nextX, nextY] = corners[(i + 1) % corners.length];
    const length = Math.hypot(nextX - x, nextY - y);
    const normal = [(nextY - y) / length, (x - nextX) / length];
    return [normal[0], normal[1], normal[0] * x + normal[1] * y];
  });
  return {
    extent: [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)],
    place: (cx, cy) => (x, y) => {
      let distance = Number.NEGATIVE_INFINITY;
      for (const [nx, ny, offset] of sides) distance = Math.max(distance, nx * (x - cx) + ny * (y - cy) - offset);
      return distance;
    },
  };
}

function turn(corners: number[][], angle: number, [scaleX, scaleY]: number[]): number[][] {
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  return corners.map(([x, y]) => [x * scaleX * cos - y * scaleY * sin, x * scaleX * sin + y * scaleY * cos]);
}

/** 15–40 % of a box along one of its sides, and a few pixels beyond. */
function barOver(box: number[], random: Random): number[] {
  const axis = random.integer(2);
  const part = random.uniform(0.15, 0.4) * (box[axis + 2] - box[axis]);
  const beyond = random.uniform(1, 5);
  const bar = box.map((value, i) => value + (i < 2 ? -beyond : beyond));
  if (random.next() < 0.5) bar[axis + 2] = box[axis] + part;
  else bar[axis] = box[axis + 2] - part;
  return bar;
}

/** Whether two boxes overlap so far that one would bury the other. */
function hides(a: number[], b: number[]): boolean {
  const w = Math.min(a[2], b[2]) - Math.max(a[0], b[0]);
  const h = Math.min(a[3], b[3]) - Math.max(a[1], b[1]);
  if (w <= 0 || h <= 0) return false;
  const [areaA, areaB] = [a, b].map(([x1, y1, x2, y2]) => (x2 - x1) * (y2 - y1));
  return w * h > LARGEST_IOU * (areaA + areaB - w * h) || w * h > LARGEST_COVER * Math.min(areaA, areaB);
}
