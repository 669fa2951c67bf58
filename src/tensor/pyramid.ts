import { fields, integer, listOf } from '../util/argument.js';
import { InputError } from '../util/error.js';
import { assertBindable } from './bindable.js';
import { bytesOf } from './dataType.js';
import type { Device } from './device.js';
import { openedDevice } from './deviceArgument.js';
import type { StoredType } from './stored.js';
import { Tensor, type TensorPlacement } from './tensor.js';
import { assertTensor } from './tensorArgument.js';

/** Kernels hold the level table in a uniform of this many entries. */
export const MAX_LEVELS = 8;

/** Height and width of one level's map. */
export interface LevelSize {
  /** Rows of cells. */
  height: number;
  /** Columns of cells. */
  width: number;
}

/** One level of a pyramid. `start` counts locations of one image before it; `offset` counts elements of the buffer. */
export interface Level extends LevelSize {
  /** Locations of one image in the levels before. */
  start: number;
  /** Elements of the buffer before this level. */
  offset: number;
}

/**
 * Feature maps of several levels in one buffer, level by level, each `[B, C, H, W]`: what convolutions write and what
 * one dispatch covers. A plain map `[B, C, H, W]` is a pyramid of one level.
 */
export class Pyramid extends Tensor {
  /** Images, B. */
  readonly batch: number;
  /** Channels of every level, C. */
  readonly channels: number;
  /** Finest first: sizes, and where each begins. */
  readonly levels: readonly Level[];
  /** Locations of one image, over all levels. */
  readonly locations: number;

  /** Use `Pyramid.empty` or `Pyramid.of`. */
  constructor(
    device: Device,
    placement: TensorPlacement,
    batch: number,
    channels: number,
    sizes: readonly LevelSize[],
  ) {
    super(device, placement);
    this.batch = batch;
    this.channels = channels;
    let start = 0;
    this.levels = sizes.map(({ height, width }) => {
      const level = { height, width, start, offset: batch * channels * start };
      start += height * width;
      return level;
    });
    this.locations = start;
  }

  /**
   * A new pyramid with undefined content, from the device's pool.
   * @param type of the elements, default f32
   * @throws InputError when there are no levels or more than 8, or kernels of the device cannot see so large a buffer
   */
  static empty(
    device: Device,
    batch: number,
    channels: number,
    sizes: readonly LevelSize[],
    type: StoredType = 'f32',
  ): Pyramid {
    openedDevice('device', device);
    assertCounts(batch, channels);
    const locations = locationsOf(sizes);
    assertBindable('pyramid', [batch, channels, locations], device, type);
    const elements = batch * channels * locations;
    const buffer = device.pool.take(bytesOf(elements, type));
    const placement = { buffer, offset: 0, shape: [elements], type, ownership: 'pooled' } as const;
    return device.track(new Pyramid(device, placement, batch, channels, sizes));
  }

  /**
   * Views a tensor as a pyramid, without a copy; `tensor` keeps the memory.
   * @throws InputError when the sizes do not give the tensor's number of elements
   */
  static of(tensor: Tensor, batch: number, channels: number, sizes: readonly LevelSize[]): Pyramid {
    assertTensor('tensor', tensor, { type: 'any' });
    assertCounts(batch, channels);
    const elements = batch * channels * locationsOf(sizes);
    if (elements !== tensor.size) {
      const list = sizes.map(({ height, width }) => `${height}×${width}`).join(', ');
      throw new InputError(
        `pyramid: ${batch} images × ${channels} channels over levels ${list} are ${elements} elements; the tensor has ${tensor.size}.`,
      );
    }
    const { buffer, offset, shape, type } = tensor;
    return new Pyramid(tensor.device, { buffer, offset, shape, type, ownership: 'borrowed' }, batch, channels, sizes);
  }

  /** The level table for a kernel's uniform: (start, height, width, 0) of each level; see shaders/lib/pyramid.wgsl. */
  get levelTable(): number[] {
    return this.levels.flatMap(({ start, height, width }) => [start, height, width, 0]);
  }
}

/** Looks at maps of several levels in one buffer. @throws InputError that names them and says how to come by them */
export function assertPyramid(name: string, value: unknown, device?: Device): asserts value is Pyramid {
  if (value instanceof Tensor && !(value instanceof Pyramid)) {
    throw new InputError(
      `${name}: a tensor of shape [${value.shape}]; expected a pyramid: Pyramid.of(tensor, batch, channels, levels).`,
    );
  }
  assertTensor(name, value, { ...(device && { device }) });
}

const levelSizes = listOf(fields({ height: integer(0), width: integer(0) }), '{ height, width }, one a level');

function assertCounts(batch: number, channels: number): void {
  integer(0)('batch', batch);
  integer(0)('channels', channels);
}

function locationsOf(sizes: readonly LevelSize[]): number {
  levelSizes('sizes', sizes);
  if (sizes.length > MAX_LEVELS) {
    throw new InputError(`sizes: ${sizes.length}; a pyramid has 1 to ${MAX_LEVELS} levels.`);
  }
  return sizes.reduce((sum, { height, width }) => sum + height * width, 0);
}
