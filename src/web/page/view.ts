import type { NetName } from '../protocol.js';
import type { Edge } from './edges.js';

/** The four edges of the selected object as each net sees them, for the table beside the image. */
export interface Reading {
  object: number;
  label: number;
  /** Left, top, right, bottom in pixels. */
  truth: number[];
  /** Of the nets that there are. */
  edges: Partial<Record<NetName, Edge[]>>;
}

/** How the frame maps to the canvas: the image below a strip for x and left of a strip for y. */
export interface Layout {
  /** CSS pixels: side of the image, width of the strips. */
  side: number;
  strip: number;
  /** CSS pixels a pixel of the frame. */
  scale: number;
}
