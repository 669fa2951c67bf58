import { FONT } from './chart.js';
import { colour, resolveColours, type Theme } from './colours.js';
import type { Figure, LegendEntry } from './figure.js';
import { type Markup, tag } from './markup.js';

const GAP = 18;
const MARGIN = 16;
const TITLE = 22;
const ROW = 24;
/** Mean width of a letter of 12 units, in a wide font. */
const LETTER = 7.5;

/** A figure as one SVG document that any program reads: panels in rows, legend below, colours of one theme. */
export function standaloneSvg({ title, panels, columns, legend }: Figure, theme: Theme): string {
  const count = Math.min(columns, panels.length);
  const column = Math.max(...panels.map(({ width }) => width));
  const width = 2 * MARGIN + count * column + (count - 1) * GAP;
  const parts: Markup[] = [];
  let y = MARGIN;
  for (let first = 0; first < panels.length; first += count) {
    const row = panels.slice(first, first + count);
    const titled = row.some((panel) => panel.title !== '') ? TITLE : 0;
    row.forEach((panel, index) => {
      const x = MARGIN + index * (column + GAP);
      const text = { x, y: y + 14, 'font-size': 13, 'font-weight': 600, fill: colour('ink') };
      if (panel.title !== '') parts.push(tag('text', text, panel.title));
      const { width: w, height: h } = panel;
      parts.push(tag('svg', { x, y: y + titled, width: w, height: h, viewBox: `0 0 ${w} ${h}` }, panel.body));
    });
    y += titled + Math.max(...row.map((panel) => panel.height)) + GAP;
  }
  const { body, bottom } = legendRows(legend, width, y);
  const height = bottom + MARGIN;
  const size = { width, height, viewBox: `0 0 ${width} ${height}` };
  const ground = tag('rect', { width, height, fill: colour('paper') });
  const svg = tag(
    'svg',
    { xmlns: 'http://www.w3.org/2000/svg', ...size, role: 'img', 'font-family': FONT, 'font-size': 12 },
    [tag('title', {}, title), ground, parts, body],
  );
  return `${resolveColours(svg.toString(), theme)}\n`;
}

function legendRows(legend: readonly LegendEntry[], width: number, top: number) {
  if (legend.length === 0) return { body: [], bottom: top - GAP };
  let x = MARGIN;
  let y = top;
  const parts = legend.map(({ text, swatch }) => {
    const wide = 28 + 8 + LETTER * text.length + 20;
    if (x > MARGIN && x + wide > width - MARGIN) {
      x = MARGIN;
      y += ROW;
    }
    const entry = [
      tag('svg', { x, y, width: 28, height: 14, viewBox: '0 0 28 14' }, swatch),
      tag('text', { x: x + 36, y: y + 11, fill: colour('ink') }, text),
    ];
    x += wide;
    return entry;
  });
  return { body: parts, bottom: y + 14 };
}
