import type { Box } from './boxes.js';

export interface GridOptions {
  /** Image size in pixels (padded size, one for the batch). */
  width: number;
  height: number;
  /** Pixels a cell, one a level. */
  strides: readonly number[];
  /** Anchor side in strides. 8 unless given. */
  octaveBaseScale?: number | undefined;
  /** Where the anchor sits in its cell, in strides: 0 = top-left corner (reference), 0.5 = middle. 0 unless given. */
  centreOffset?: number | undefined;
}

/** One level: a map of cells, row-major (index = row * width + column), each with one square anchor. */
export interface GridLevel {
  stride: number;
  width: number;
  height: number;
  /** Index of the level's first location among the locations of one image (levels concatenated). */
  first: number;
  /** Anchor centre of each location, pixels. */
  centres: [x: number, y: number][];
  /** Anchor of each location, pixels. */
  anchors: Box[];
}

/** The levels of an image: map = ceil(size / stride), anchor = centre +- scale * stride / 2. */
export function gridLevels(options: GridOptions): GridLevel[] {
  const { octaveBaseScale = 8, centreOffset = 0 } = options;
  let first = 0;
  return options.strides.map((stride) => {
    const width = Math.ceil(options.width / stride);
    const height = Math.ceil(options.height / stride);
    const half = (octaveBaseScale * stride) / 2;
    const centres: [number, number][] = [];
    const anchors: Box[] = [];
    for (let row = 0; row < height; row++) {
      for (let column = 0; column < width; column++) {
        const x = (column + centreOffset) * stride;
        const y = (row + centreOffset) * stride;
        centres.push([x, y]);
        anchors.push([x - half, y - half, x + half, y + half]);
      }
    }
    const level = { stride, width, height, first, centres, anchors };
    first += width * height;
    return level;
  });
}

/** Locations of one image, all levels. */
export function locationCount(levels: readonly GridLevel[]): number {
  return levels.reduce((sum, level) => sum + level.anchors.length, 0);
}
