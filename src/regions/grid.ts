import { type LevelSize, MAX_LEVELS } from '../tensor/pyramid.js';
import { anything, fields, kindOf, options } from '../util/argument.js';
import { InputError } from '../util/error.js';

/** What fixes a grid. */
export interface GridOptions {
  /** Pixels of the padded images, one size for the batch. */
  imageSize: { width: number; height: number };
  /** Pixels a cell, one a level, finest first. */
  strides: readonly number[];
  /** Anchor centre in cells from a cell's top-left corner: 0 in the reference implementation, 0.5 in newer detectors. */
  centreOffset?: number;
  /** Side of the square anchor in strides: 8 in the configurations of GFocal and ATSS. */
  octaveScale?: number;
}

/**
 * The locations of an image: each level a map of ceil(size / stride) cells, each cell with one square anchor of side
 * octaveScale · stride around ((column + centreOffset) · stride, (row + centreOffset) · stride) pixels.
 */
export interface Grid {
  /** Pixels of the padded images. */
  readonly imageSize: Readonly<LevelSize>;
  /** Pixels a cell of each level. */
  readonly strides: readonly number[];
  /** Anchor centre in cells from a cell's top-left corner. */
  readonly centreOffset: number;
  /** Side of the anchor in strides. */
  readonly octaveScale: number;
  /** Rows and columns of each level. */
  readonly levels: readonly LevelSize[];
  /** Locations of each level of one image. */
  readonly areas: readonly number[];
  /** Locations of one image, over all levels. */
  readonly locations: number;
  /** For a kernel's uniform: (start, height, width, stride) of each level; see shaders/lib/pyramid.wgsl and grid.wgsl. */
  readonly levelTable: readonly number[];
}

const GIVEN = options({ imageSize: fields({ width: anything, height: anything }) });

/** The grid of a head. @throws InputError for sizes or strides that are no positive integers, too many or no levels, an empty anchor */
export function makeGrid(given: GridOptions): Grid {
  GIVEN('options', given);
  const { imageSize, strides, centreOffset = 0, octaveScale = 8 } = given;
  const { width, height } = imageSize;
  if (![width, height].every(isPositiveInteger)) {
    throw new InputError(`imageSize: ${kindOf(width)}×${kindOf(height)}; expected positive whole numbers of pixels.`);
  }
  if (!Array.isArray(strides)) {
    throw new InputError(`strides: ${kindOf(strides)}; expected a list such as [8, 16, 32, 64, 128].`);
  }
  if (strides.length < 1 || strides.length > MAX_LEVELS || !strides.every(isPositiveInteger)) {
    throw new InputError(
      `strides: [${strides}]; expected 1 to ${MAX_LEVELS} positive whole numbers of pixels, such as [8, 16, 32, 64, 128].`,
    );
  }
  if (!Number.isFinite(centreOffset)) {
    throw new InputError(`centreOffset: ${centreOffset}; expected a share of a cell, 0 (corner) or 0.5 (middle).`);
  }
  if (!(octaveScale > 0 && Number.isFinite(octaveScale))) {
    throw new InputError(`octaveScale: ${octaveScale}; expected the anchor's side in strides, such as 8.`);
  }
  const levels = strides.map((stride) => ({ height: Math.ceil(height / stride), width: Math.ceil(width / stride) }));
  const areas = levels.map((level) => level.height * level.width);
  let locations = 0;
  const levelTable = levels.flatMap((level, index) => {
    const entry = [locations, level.height, level.width, strides[index]];
    locations += areas[index];
    return entry;
  });
  return {
    imageSize: { width, height },
    strides: [...strides],
    centreOffset,
    octaveScale,
    levels,
    areas,
    locations,
    levelTable,
  };
}

/** Uniform fields of shaders/lib/grid.wgsl. */
export function gridParams({ levels, octaveScale, centreOffset, levelTable }: Grid, batch: number) {
  return {
    batch,
    level_count: levels.length,
    half_side: octaveScale / 2,
    centre_offset: centreOffset,
    levels: levelTable,
  };
}

function isPositiveInteger(value: number): boolean {
  return Number.isInteger(value) && value > 0;
}
