/** The ways in which a head's logits may lie in memory, each with the place of every value by hand. */
import type { Device } from '../../src/tensor/device.js';
import {
  channelMajorLayout,
  channelsFrom,
  type LogitLayout,
  layoutOf,
  type Maps,
  rowMajorLayout,
} from '../../src/tensor/layout.js';
import { Pyramid } from '../../src/tensor/pyramid.js';
import type { Tensor } from '../../src/tensor/tensor.js';
import { gridLevels } from '../reference/grid.js';
import type { HeadSizes } from '../reference/types.js';

interface Place {
  image: number;
  channel: number;
  cell: number;
}

interface Form {
  /** `tensor` holds `channels` channels of every location. */
  layout: (sizes: HeadSizes, channels: number, tensor: Tensor) => Maps;
  /** Where each value is; `before` counts the locations of the levels before this one. */
  place: (at: Place, of: { sizes: HeadSizes; channels: number; area: number; before: number; all: number }) => number;
}

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);

export function areasOf(sizes: HeadSizes): number[] {
  return gridLevels(sizes).map(({ anchors }) => anchors.length);
}

export const FORMS = {
  pyramid: {
    layout: (sizes, channels, tensor) =>
      Pyramid.of(
        tensor,
        sizes.batch,
        channels,
        gridLevels(sizes).map(({ width, height }) => ({ width, height })),
      ),
    place: ({ image, channel, cell }, { sizes, channels, area, before }) =>
      sizes.batch * channels * before + (image * channels + channel) * area + cell,
  },
  rows: {
    layout: (sizes, channels, tensor) => ({ tensor, layout: rowMajorLayout(channels, areasOf(sizes)) }),
    place: ({ image, channel, cell }, { channels, before, all }) => (image * all + before + cell) * channels + channel,
  },
  /** YOLOv8's [B, channels, A]. */
  channels: {
    layout: (sizes, channels, tensor) => ({ tensor, layout: channelMajorLayout(channels, areasOf(sizes)) }),
    place: ({ image, channel, cell }, { channels, before, all }) => (image * channels + channel) * all + before + cell,
  },
  /** The same, the last level first. */
  backwards: {
    layout: (sizes, channels, tensor) => {
      const stored = channelMajorLayout(channels, areasOf(sizes).reverse());
      return { tensor, layout: [...stored].reverse() };
    },
    place: ({ image, channel, cell }, { channels, area, before, all }) =>
      (image * channels + channel) * all + (all - before - area) + cell,
  },
} satisfies Record<string, Form>;
export type FormName = keyof typeof FORMS;

/** Calls `visit` for each value of levels [B, channels, H·W] with its place in a tensor of `of` channels, from `first` on. */
export function eachValue(
  sizes: HeadSizes,
  form: FormName,
  { channels, first = 0, of = channels }: { channels: number; first?: number; of?: number },
  visit: (place: number, level: number, index: number) => void,
): void {
  const areas = areasOf(sizes);
  const { place: placeOf } = FORMS[form];
  areas.forEach((area, level) => {
    const lies = { sizes, channels: of, area, before: sum(areas.slice(0, level)), all: sum(areas) };
    for (let image = 0; image < sizes.batch; image++) {
      for (let channel = 0; channel < channels; channel++) {
        for (let cell = 0; cell < area; cell++) {
          const place = placeOf({ image, channel: first + channel, cell }, lies);
          visit(place, level, (image * channels + channel) * area + cell);
        }
      }
    }
  });
}

/** Levels [B, channels, H·W] as one tensor of this form. */
export function store(device: Device, sizes: HeadSizes, form: FormName, levels: readonly ArrayLike<number>[]): Maps {
  const channels = levels[0].length / (sizes.batch * areasOf(sizes)[0]);
  const values = new Float32Array(sum(levels.map(({ length }) => length)));
  eachValue(sizes, form, { channels }, (place, level, index) => {
    values[place] = levels[level][index];
  });
  return FORMS[form].layout(sizes, channels, device.tensor(values));
}

/** A tensor of this form as one array: level by level, [B, channels, H·W]. */
export function restore(sizes: HeadSizes, form: FormName, values: ArrayLike<number>): number[] {
  const channels = values.length / (sizes.batch * sum(areasOf(sizes)));
  const read: number[] = [];
  eachValue(sizes, form, { channels }, (place) => read.push(values[place]));
  return read;
}

/** Box channels and then class channels in one tensor of this form. */
export function storeTogether(
  device: Device,
  sizes: HeadSizes,
  form: FormName,
  outputs: { classLogits: readonly ArrayLike<number>[]; boxLogits: readonly ArrayLike<number>[] },
): { classLogits: Maps; boxLogits: Maps } {
  const parts = together(sizes);
  const of = parts.boxLogits.of;
  const values = new Float32Array(sizes.batch * of * sum(areasOf(sizes)));
  for (const kind of ['classLogits', 'boxLogits'] as const) {
    eachValue(sizes, form, parts[kind], (place, level, index) => {
      values[place] = outputs[kind][level][index];
    });
  }
  const tensor = device.tensor(values);
  const layout: LogitLayout = layoutOf(FORMS[form].layout(sizes, of, tensor));
  return {
    boxLogits: { tensor, layout },
    classLogits: { tensor, layout: channelsFrom(layout, 4 * sizes.bins) },
  };
}

/** Which channels of such a tensor are whose. */
export function together({ bins, classes }: HeadSizes) {
  const of = 4 * bins + classes;
  return {
    boxLogits: { channels: 4 * bins, first: 0, of },
    classLogits: { channels: classes, first: 4 * bins, of },
  };
}
