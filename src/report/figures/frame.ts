import { colour } from '../colours.js';
import { type Markup, tag } from '../markup.js';
import type { Box, LabelledBox, Picture } from '../types.js';

/** A part of the picture on a panel. */
export interface Frame {
  width: number;
  height: number;
  /** Units a pixel of the picture. */
  scale: number;
  /** From pixels to units. */
  x(pixel: number): number;
  y(pixel: number): number;
  /** Whether a box's middle is well inside. */
  holds(box: Box): boolean;
}

/** A part of the picture at a panel's width. */
export function frameAround([left, top, right, bottom]: Box, width: number): Frame {
  const scale = width / (right - left);
  const height = Math.round(scale * (bottom - top));
  return {
    width,
    height,
    scale,
    x: (pixel) => scale * (pixel - left),
    y: (pixel) => scale * (pixel - top),
    holds: ([x1, y1, x2, y2]) => {
      const share = 0.25;
      const [dx, dy] = [share * (x2 - x1), share * (y2 - y1)];
      return x1 + dx > left && x2 - dx < right && y1 + dy > top && y2 - dy < bottom;
    },
  };
}

/** All of the picture. */
export function wholePicture({ width, height }: Picture, units: number): Frame {
  return frameAround([0, 0, width, height], units);
}

/** A box's outline. */
export function outline(
  frame: Frame,
  [x1, y1, x2, y2]: Box,
  style: Record<string, string | number | undefined>,
): Markup {
  const place = { x: frame.x(x1), y: frame.y(y1), width: frame.scale * (x2 - x1), height: frame.scale * (y2 - y1) };
  return tag('rect', { ...place, fill: 'none', ...style });
}

/** Thin outlines of annotations. */
export function outlined(frame: Frame, boxes: readonly LabelledBox[], stroke: string = colour('ink')): Markup[] {
  return boxes.map(({ box }) => outline(frame, box, { stroke, 'stroke-width': 1, 'stroke-opacity': 0.75 }));
}

/** The picture under a veil of the page's ground, so that drawings stand out. */
export function pictureIn(frame: Frame, { width, height, href }: Picture): Markup[] {
  const place = { x: frame.x(0), y: frame.y(0), width: frame.scale * width, height: frame.scale * height };
  return [
    tag('image', { ...place, href, preserveAspectRatio: 'none' }),
    tag('rect', { ...place, fill: colour('veil'), 'fill-opacity': colour('veiling') }),
  ];
}

/** A small text in the middle of a place, readable on any ground. */
export function textOn(frame: Frame, x: number, y: number, text: string): Markup[] {
  const place = { x: frame.x(x), y: frame.y(y) + 4, 'text-anchor': 'middle', 'font-size': 12, fill: colour('ink') };
  // Twice: librsvg paints no stroke below a fill.
  const halo = { stroke: colour('veil'), 'stroke-width': 3, 'stroke-linejoin': 'round' };
  return [tag('text', { ...place, ...halo }, text), tag('text', place, text)];
}

export function overlaps(a: Box, b: Box): boolean {
  return a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3];
}
