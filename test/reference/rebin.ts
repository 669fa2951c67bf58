/** A teacher's head seen from a student's: which cell teaches a location, and its distributions in the student's bins. */
import { softmax } from './bins.js';
import { gridLevels } from './grid.js';
import { sharesOf } from './projection.js';
import type { RowPlace } from './rows.js';
import type { HeadSizes } from './types.js';

/** In what a teacher's head differs; what is left out is the student's. */
export interface TeacherForm {
  bins?: number;
  projection?: readonly number[];
  centreOffset?: number;
  strides?: number[];
  imageSize?: { width: number; height: number };
  levels?: 'close' | 'nearest';
}

/** The sizes of a teacher's outputs. */
export function teacherSizes(sizes: HeadSizes, form: TeacherForm): HeadSizes {
  const { bins = sizes.bins, strides = sizes.strides, imageSize = sizes } = form;
  const { projection: own, ...rest } = sizes;
  const projection = form.projection ?? (bins === sizes.bins ? own : undefined);
  return {
    ...rest,
    ...(projection && { projection }),
    bins,
    strides,
    width: imageSize.width,
    height: imageSize.height,
  };
}

/**
 * A distribution whose outcome k lies at positions[k], over bins at 0 … bins − 1 or at the values of a projection: each outcome is split between the two bins about
 * it in the ratio that keeps its mean; beyond the ends it goes to the end.
 */
export function rebin(
  p: ArrayLike<number>,
  positions: ArrayLike<number>,
  bins: number,
  projection?: readonly number[],
): Float64Array {
  const shares = new Float64Array(bins);
  for (let k = 0; k < p.length; k++) {
    if (projection) {
      for (const [bin, share] of sharesOf(positions[k], projection).entries()) shares[bin] += p[k] * share;
      continue;
    }
    const position = Math.min(Math.max(positions[k], 0), bins - 1);
    const below = Math.floor(position);
    shares[below] += p[k] * (below + 1 - position);
    if (below + 1 < bins) shares[below + 1] += p[k] * (position - below);
  }
  return shares;
}

/** KL of a distribution that may have zeros and the student's softmax at temperature T, as `temperatureKL` scales it. */
export function rebinnedKL(student: ArrayLike<number>, p: ArrayLike<number>, temperature: number) {
  const size = student.length;
  const highest = Math.max(...Array.from(student)) / temperature;
  const q = softmax(student, temperature);
  const logSum = Math.log(Array.from(student).reduce((sum, z) => sum + Math.exp(z / temperature - highest), 0));
  let sum = 0;
  const gradient = new Float64Array(size);
  for (let k = 0; k < size; k++) {
    if (p[k] > 0) sum += p[k] * (Math.log(p[k]) - (student[k] / temperature - highest - logSum));
    gradient[k] = (temperature / size) * (q[k] - p[k]);
  }
  return { loss: (temperature ** 2 / size) * sum, gradient };
}

/** What teaches the locations of a level of the student's. */
export interface LevelView {
  /** The teacher's. */
  level: number;
  /** Its map, and how many of its cells lie in one of the student's, across and down. */
  map: { width: number; height: number; cells: readonly [number, number] };
  /** Its class logits, or those of an edge, for a location of the student's. */
  place(image: number, cell: number, first: number, length: number, channels: number): RowPlace;
  /** Where the edge lies when the teacher says `distance`, in the student's strides from the student's location. */
  position(cell: number, edge: number, distance: number): number;
}

/** By the student's levels; null: nothing teaches the level. */
export function teacherViews(sizes: HeadSizes, centreOffset: number, form: TeacherForm): (LevelView | null)[] {
  const other = teacherSizes(sizes, form);
  const own = gridLevels({ ...sizes, centreOffset });
  const levels = gridLevels({ ...other, centreOffset: form.centreOffset ?? centreOffset });
  const scale = [other.width / sizes.width, other.height / sizes.height];
  return own.map((level) => {
    // By how much a cell of the teacher's is coarser than the student's on the image.
    const ratios = levels.map(({ stride }) => stride / Math.sqrt(scale[0] * scale[1]) / level.stride);
    const distances = ratios.map((ratio) => Math.abs(Math.log(ratio)));
    // Of two that are as close but for rounding the first.
    const least = Math.min(...distances);
    const best = distances.findIndex((distance) => distance < least + 1e-6);
    if (form.levels !== 'nearest' && distances[best] > Math.log(2) - 1e-6) return null;
    const { width, height, stride, centres } = levels[best];
    const cellOf = (cell: number) => {
      const [column, row] = level.centres[cell].map((pixel, axis) => Math.floor((pixel * scale[axis]) / stride + 1e-4));
      const within = (index: number, count: number) => Math.min(Math.max(index, 0), count - 1);
      return within(row, height) * width + within(column, width);
    };
    return {
      level: best,
      map: { width, height, cells: [(level.stride * scale[0]) / stride, (level.stride * scale[1]) / stride] },
      place: (image, cell, first, length, channels) => {
        return { image, channels, first, length, size: width * height, cell: cellOf(cell) };
      },
      position: (cell, edge, distance) => {
        const axis = edge % 2;
        const outwards = edge < 2 ? -1 : 1;
        const pixel = (centres[cellOf(cell)][axis] + outwards * distance * stride) / scale[axis];
        return (outwards * (pixel - level.centres[cell][axis])) / level.stride;
      },
    };
  });
}
