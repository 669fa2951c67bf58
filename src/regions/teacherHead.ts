import { constants } from '../../shaders/lib/bins.wgsl';
import { constants as cellConstants } from '../../shaders/lib/teacher_cells.wgsl';
import { layoutTable, type Maps } from '../tensor/layout.js';
import { anything, integer, number, oneOf, optional, options } from '../util/argument.js';
import { InputError } from '../util/error.js';
import { binConstants, binParams, headProjection, type Projection } from './binValues.js';
import { type Grid, makeGrid } from './grid.js';

const { MAX_BINS } = constants;
const { CELL_ROUNDING } = cellConstants;
const MAX_LEVELS = 8;
/** A level is taught by one that is less than so many times as fine or coarse. */
const CLOSE = 2;
/** Of logarithms of ratios. */
const ROUNDING = 1e-6;

/** In what a teacher's head differs from the student's; what is left out is the student's. */
export interface TeacherHeadOptions {
  /** Bins of an edge's distribution, 1 to 64; 1: the logit is the distance in strides. */
  bins?: number;
  /** What its bins stand for, in its strides, increasing. Default: the student's for as many bins, else 0 … bins − 1. */
  projection?: Projection;
  /** The point of its cell that the teacher's locations regress from: 0 the top-left corner, 0.5 the middle. */
  centreOffset?: number;
  /** Pixels of the teacher's input between neighbouring locations, one entry a level, in the order of its outputs' levels. */
  strides?: readonly number[];
  /** Of the teacher's input, pixels: the same images in another size. */
  imageSize?: { width: number; height: number };
  /**
   * Which of the teacher's levels teaches a level of the student's: that of the same stride in shares of the image or, without
   * one, the next finer or coarser, if it is less than twice as fine or coarse (`close`, default) or in any case (`nearest`). A
   * level without one is not taught: distillation passes it over.
   */
  levels?: 'close' | 'nearest';
}

/** What teaches a level of the student's. */
export interface TeacherLevel {
  /** Index of the teacher's level. */
  level: number;
  /** Cells of the teacher's in one of the student's, across and down. */
  cells: readonly [across: number, down: number];
}

/** A teacher's head beside a student's. */
export interface TeacherHead {
  /** Bins of an edge. */
  readonly bins: number;
  /** What its bins stand for, in strides; null: bin k for k. */
  readonly projection: Projection | null;
  /** The locations of the teacher's. */
  readonly grid: Grid;
  /** What teaches each level of the student's; null: nothing. */
  readonly levels: readonly (TeacherLevel | null)[];
  /** Whether a location has another index in the teacher's map, or a level is not taught. */
  readonly isMapped: boolean;
  /** Whether the teacher's bins stand for other distances than the student's. */
  readonly isRebinned: boolean;
}

const OPTIONS = options({
  bins: optional(integer(1, MAX_BINS)),
  centreOffset: optional(number),
  levels: optional(oneOf('close', 'nearest')),
  projection: anything,
});

/**
 * Matches a teacher's head with a student's, level by level.
 * @param student grid, bins and, unless bin k stands for k, what they stand for
 * @throws InputError for options that make no head, or where no level of the teacher's teaches one of the student's
 */
export function matchTeacher(
  student: { grid: Grid; bins: number; projection?: Projection | null },
  teacher: TeacherHeadOptions = {},
): TeacherHead {
  OPTIONS('teacher', teacher);
  const { grid: own } = student;
  const { bins = student.bins, levels: reach = 'close' } = teacher;
  const { imageSize = own.imageSize, strides = own.strides, centreOffset = own.centreOffset } = teacher;
  const grid = makeGrid({ imageSize, strides, centreOffset, octaveScale: own.octaveScale });
  const { projection: table = null } = student;
  const projection =
    teacher.projection === undefined && bins === student.bins
      ? table
      : headProjection('teacher.projection', teacher.projection, bins);
  const scale = [imageSize.width / own.imageSize.width, imageSize.height / own.imageSize.height];
  const levels = own.strides.map((stride) => {
    /** Cells of a teacher's level in one of the student's. */
    const cellsOf = (level: number) => [0, 1].map((axis) => (stride * scale[axis]) / strides[level]);
    const distanceOf = (level: number) => Math.abs(Math.log(Math.sqrt(cellsOf(level)[0] * cellsOf(level)[1])));
    // The first of those that are equally close but for rounding.
    const level = strides.reduce((best, _, i) => (distanceOf(i) < distanceOf(best) - ROUNDING ? i : best), 0);
    const isTaught = reach === 'nearest' || distanceOf(level) < Math.log(CLOSE) - ROUNDING;
    const [across, down] = cellsOf(level);
    return isTaught ? ({ level, cells: [across, down] } as const) : null;
  });
  const taught = levels.filter((level) => level !== null);
  if (taught.length === 0) {
    throw new InputError(
      `teacher.strides: none of ${strides} on ${imageSize.width}×${imageSize.height} is close to one of the student's, ${own.strides} on ${own.imageSize.width}×${own.imageSize.height}; set teacher.levels to nearest, or take another teacher.`,
    );
  }
  const isWhole = taught.every(({ cells }) => cells.every((count) => count === 1));
  return {
    bins,
    projection,
    grid,
    levels,
    isMapped: taught.length < levels.length || !isWhole,
    isRebinned:
      bins !== student.bins || centreOffset !== own.centreOffset || !isWhole || String(projection) !== String(table),
  };
}

/** Indices of the student's levels that are not taught. */
export function untaughtLevels({ levels }: TeacherHead): number[] {
  return levels.flatMap((level, index) => (level ? [] : [index]));
}

/** The layout of a teacher's maps by the student's levels, for a uniform; see shaders/lib/teacher_cells.wgsl. */
export function teacherLayout({ levels }: TeacherHead, maps: Maps): number[] {
  const table = layoutTable(maps);
  return levels.flatMap((level) => {
    const first = 4 * (level?.level ?? 0);
    return [0, 1, 2, 3].map((i) => table[first + i] ?? 0);
  });
}

/** Overrides of shaders/lib/teacher_edges.wgsl and what it needs. */
export function teacherConstants(teacher: TeacherHead, projection: Projection | null) {
  return {
    ...binConstants(projection),
    TEACHER_MAPPED: teacher.isMapped ? 1 : 0,
    TEACHER_REBINNED: teacher.isRebinned ? 1 : 0,
    TEACHER_TABLE: teacher.projection ? 1 : 0,
  };
}

/** Uniform fields of shaders/lib/teacher_edges.wgsl and what it needs. */
export function teacherParams(teacher: TeacherHead, projection: Projection | null, boxLogits: Maps) {
  return {
    ...binParams(projection),
    teacher_bins: teacher.bins,
    teacher_offset: teacher.grid.centreOffset,
    teacher_cells: teacherCells(teacher),
    teacher_projection: teacher.projection ?? [],
    teacher_box_layout: teacherLayout(teacher, boxLogits),
  };
}

/** Uniform field of shaders/lib/teacher_cells.wgsl. */
export function teacherCells({ levels, grid }: TeacherHead): number[] {
  return levels.flatMap((level) => {
    // Finite numbers for what is read of such a level.
    if (!level) return [1, 1, 0, 0];
    const { width, height } = grid.levels[level.level];
    return [...level.cells, width, height];
  });
}

/** Bit l: level l of the student's is taught; 1 beyond the last. */
export function taughtMask({ levels }: TeacherHead): number {
  return Array.from({ length: MAX_LEVELS }, (_, l) => (levels[l] === null ? 0 : 1 << l)).reduce(
    (sum, bit) => sum + bit,
    0,
  );
}

/** A location of the student's in the teacher's map. */
export interface TeacherPlace {
  /** Row-major index in the map of the level that teaches it. */
  index: number;
  /** The student's distance, in strides, for a distance d of the teacher's: slope · d + shift, of each edge. */
  lines: readonly { slope: number; shift: number }[];
}

/** Where a location of a taught level lies in the teacher's map, as the kernels find it. @param index row-major */
export function teacherPlace({ levels, grid }: TeacherHead, student: Grid, level: number, index: number): TeacherPlace {
  const taughtBy = levels[level];
  if (!taughtBy) throw new Error(`level ${level} is not taught`);
  const { cells } = taughtBy;
  const { width, height } = grid.levels[taughtBy.level];
  const own = student.levels[level].width;
  const point = [index % own, Math.floor(index / own)].map((cell) => cell + student.centreOffset);
  const cell = point.map((at, axis) => {
    const last = [width, height][axis] - 1;
    return Math.min(Math.max(Math.floor(cells[axis] * at + CELL_ROUNDING), 0), last);
  });
  const lines = [0, 1, 2, 3].map((edge) => {
    const axis = edge % 2;
    const way = point[axis] - (cell[axis] + grid.centreOffset) / cells[axis];
    return { slope: 1 / cells[axis], shift: edge < 2 ? way : -way };
  });
  return { index: cell[1] * width + cell[0], lines };
}
