import type { Content, Markup } from './markup.js';

/** A drawing of a figure: the inside of an SVG of `width` × `height` units, one CSS pixel each at its natural size. */
export interface Panel {
  /** Above the drawing; '' for none. */
  title: string;
  width: number;
  height: number;
  /** SVG elements. Colours are variables of src/report/colours.ts. */
  body: Content;
  /** What it shows, for those who do not see it. */
  label: string;
}

/** How a colour or a line style is explained. */
export interface LegendEntry {
  text: string;
  /** SVG elements within 28 × 14 units. */
  swatch: Markup;
}

/** A figure of the report: drawings side by side, which stack on a narrow screen, and how to read them. */
export interface Figure {
  /** Of its files and its anchor. */
  id: string;
  title: string;
  /** Says how to read it. */
  caption: string;
  panels: Panel[];
  /** Drawings in a row where there is room. */
  columns: number;
  legend: LegendEntry[];
}
