import { type Check, fields, integer, kindOf, listOf } from '../util/argument.js';
import { InputError } from '../util/error.js';
import type { Device } from './device.js';
import { Pyramid } from './pyramid.js';
import { Tensor } from './tensor.js';
import { assertTensor } from './tensorArgument.js';

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

/** The layout of the maps; that of a pyramid follows from its shape. @throws InputError for a tensor or buffer without one */
export function layoutOf(maps: Maps): LogitLayout {
  if (!(maps instanceof Pyramid)) assertStrided('maps', maps);
  return levelsOf(maps);
}

function levelsOf(maps: Maps): LogitLayout {
  if (!(maps instanceof Pyramid)) return maps.layout;
  return maps.levels.map(({ offset, height, width }) => {
    const area = height * width;
    return { offset, batch: maps.channels * area, channel: area, location: 1 };
  });
}

/** The layout for a kernel's uniform: (offset, batch, channel, location) of each level; see shaders/lib/layout.wgsl. */
export function layoutTable(maps: Maps): number[] {
  return levelsOf(maps).flatMap(({ offset, batch, channel, location }) => [offset, batch, channel, location]);
}

/**
 * The layout of row-major rows `[B, A, channels]`, levels concatenated along A: how most frameworks flatten head outputs.
 * @param areas locations (height × width) of each level, in the order in which they are concatenated
 * @throws InputError when a number is none
 */
export function rowMajorLayout(channels: number, areas: readonly number[]): LogitLayout {
  assertSizes(channels, areas);
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
 * tensor; `channelsFrom` separates them.
 * @param areas as for `rowMajorLayout`
 */
export function channelMajorLayout(channels: number, areas: readonly number[]): LogitLayout {
  assertSizes(channels, areas);
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
  layouts('layout', layout);
  integer(0)('first', first);
  return layout.map((level) => ({ ...level, offset: level.offset + first * level.channel }));
}

const LEVELS = '{ offset, batch, channel, location } in elements, one a level';
const layouts: Check = listOf(
  fields({ offset: integer(0), batch: integer(0), channel: integer(0), location: integer(0) }),
  LEVELS,
);

function assertSizes(channels: number, areas: readonly number[]): void {
  integer(1)('channels', channels);
  listOf(integer(0), 'locations, one number a level')('areas', areas);
}

/** @throws InputError where something has no layout; it says how to come by one */
function assertStrided(name: string, maps: unknown): asserts maps is Exclude<Maps, Pyramid> {
  if (typeof maps === 'object' && maps !== null && 'tensor' in maps && 'layout' in maps) {
    assertTensor(`${name}.tensor`, maps.tensor);
    layouts(`${name}.layout`, maps.layout);
    return;
  }
  const remedy =
    'Pyramid.of(tensor, batch, channels, grid.levels) or { tensor, layout: rowMajorLayout(channels, grid.areas) }';
  if (maps instanceof Tensor) {
    throw new InputError(`${name}: a tensor of shape [${maps.shape}] does not say how its maps lie; give ${remedy}.`);
  }
  if (typeof maps === 'object' && maps !== null && 'mapState' in maps) {
    throw new InputError(
      `${name}: a buffer has neither shape nor layout; give ${remedy}, of tensor = Tensor.borrow(device, buffer, shape).`,
    );
  }
  if (typeof maps === 'object' && maps !== null && 'value' in maps && maps.value instanceof Tensor) {
    throw new InputError(`${name}: a variable; give its .value.`);
  }
  throw new InputError(`${name}: ${kindOf(maps)}; expected ${remedy}.`);
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
  expected: { device?: Device; batch: number; channels: number; areas: readonly number[]; meaning: string },
): void {
  const { device, batch, channels, areas, meaning } = expected;
  if (!(maps instanceof Pyramid)) assertStrided(name, maps);
  assertTensor(name, tensorOf(maps), { ...(device && { device }) });
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
    if (last >= maps.tensor.size) {
      throw new InputError(
        `${name}: level ${index} of its layout reaches element ${last} of a tensor of ${maps.tensor.size}; expected ${batch} images × ${channels} channels (${meaning}) × ${areas[index]} locations.`,
      );
    }
  });
}
