import { InputError } from '../util/error.js';
import { Pyramid } from './pyramid.js';
import type { Tensor } from './tensor.js';

/** Where a level's elements lie: element = offset + image·batch + channel·channel + location·location, row-major locations. */
export interface LevelLayout {
  /** Elements before the level's first one. */
  offset: number;
  /** Elements from one image to the next. */
  batch: number;
  /** Elements from one channel to the next. */
  channel: number;
  /** Elements from one location to the next, row-major. */
  location: number;
}

/** One entry a level. Lets head outputs of other frameworks be read and gradients written where they lie, without a copy. */
export type LogitLayout = readonly LevelLayout[];

/** Head outputs (or features): a pyramid, or a tensor with the description of its strides. */
export type Maps =
  | Pyramid
  | {
      /** f32, of any shape. */
      tensor: Tensor;
      /** Where its elements lie. */
      layout: LogitLayout;
    };

/** The tensor behind the maps. */
export function tensorOf(maps: Maps): Tensor {
  return maps instanceof Pyramid ? maps : maps.tensor;
}

/** The layout of the maps; that of a pyramid follows from its shape. */
export function layoutOf(maps: Maps): LogitLayout {
  if (!(maps instanceof Pyramid)) return maps.layout;
  return maps.levels.map(({ offset, height, width }) => {
    const area = height * width;
    return { offset, batch: maps.channels * area, channel: area, location: 1 };
  });
}

/** The layout for a kernel's uniform: (offset, batch, channel, location) of each level; see shaders/lib/layout.wgsl. */
export function layoutTable(maps: Maps): number[] {
  return layoutOf(maps).flatMap(({ offset, batch, channel, location }) => [offset, batch, channel, location]);
}

/**
 * The layout of row-major rows `[B, A, channels]`, levels concatenated along A: how most frameworks flatten head outputs.
 * @param areas locations (height × width) of each level, in the order in which they are concatenated
 */
export function rowMajorLayout(channels: number, areas: readonly number[]): LogitLayout {
  const locations = sum(areas);
  return startsOf(areas).map((start) => ({
    offset: start * channels,
    batch: locations * channels,
    channel: 1,
    location: channels,
  }));
}

/**
 * The layout of `[B, channels, A]`, levels concatenated along A: what YOLOv8's head gives, with box and class channels in one
 * tensor; `channelsFrom` tells them apart.
 * @param areas as for `rowMajorLayout`
 */
export function channelMajorLayout(channels: number, areas: readonly number[]): LogitLayout {
  const locations = sum(areas);
  return startsOf(areas).map((start) => ({
    offset: start,
    batch: channels * locations,
    channel: locations,
    location: 1,
  }));
}

/** The same maps without their first channels: the layout of a part of the channels of one tensor. */
export function channelsFrom(layout: LogitLayout, first: number): LogitLayout {
  return layout.map((level) => ({ ...level, offset: level.offset + first * level.channel }));
}

/** Locations before each level. */
function startsOf(areas: readonly number[]): number[] {
  return areas.map((_, level) => sum(areas.slice(0, level)));
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

/**
 * Checks that maps hold what a loss expects.
 * @throws InputError that names the argument, what it has and what was expected
 */
export function assertMaps(
  name: string,
  maps: Maps,
  expected: { batch: number; channels: number; areas: readonly number[]; meaning: string },
): void {
  const { batch, channels, areas, meaning } = expected;
  const { type } = tensorOf(maps);
  if (type !== 'f32') throw new InputError(`${name}: elements of ${type}; expected f32.`);
  if (maps instanceof Pyramid) {
    const own = maps.levels.map(({ height, width }) => height * width);
    if (own.join() !== areas.join()) {
      throw new InputError(
        `${name}: its levels have ${own.join(', ')} locations; the grid (image size and strides) has ${areas.join(', ')}. Give the strides the head was built with.`,
      );
    }
    if (maps.batch !== batch) throw new InputError(`${name}: a batch of ${maps.batch}; expected ${batch}.`);
    if (maps.channels !== channels) {
      throw new InputError(`${name}: ${maps.channels} channels; expected ${channels} (${meaning}).`);
    }
    return;
  }
  if (maps.layout.length !== areas.length) {
    throw new InputError(`${name}: its layout has ${maps.layout.length} levels; the grid has ${areas.length}.`);
  }
  maps.layout.forEach((level, index) => {
    const last =
      level.offset + (batch - 1) * level.batch + (channels - 1) * level.channel + (areas[index] - 1) * level.location;
    if (Object.values(level).some((value) => !Number.isInteger(value) || value < 0) || last >= maps.tensor.size) {
      throw new InputError(
        `${name}: level ${index} of its layout reaches element ${last} of a tensor of ${maps.tensor.size}; expected ${batch} images × ${channels} channels (${meaning}) × ${areas[index]} locations.`,
      );
    }
  });
}
