import type { NetName } from '../protocol.js';
import type { Edge } from './edges.js';
import { DASHES, type Palette } from './palette.js';
import type { Layout, Reading } from './view.js';

/** Room between the bars' feet and the image. */
const GAP = 6;

/**
 * The distributions of the left and the right edge above the image, in its x: the teacher's as bars, one a bin, the students'
 * as lines.
 */
export function drawTopStrip(
  context: CanvasRenderingContext2D,
  { side, strip, scale }: Layout,
  reading: Reading,
  nets: readonly NetName[],
  palette: Palette,
): void {
  context.save();
  // Up is more probable.
  context.transform(1, 0, 0, -1, 0, strip - GAP);
  drawStrip(context, { length: side, height: strip - GAP - 4, scale }, reading, [0, 2], nets, palette);
  context.restore();
}

/** Those of the top and the bottom edge right of the image, in its y. */
export function drawSideStrip(
  context: CanvasRenderingContext2D,
  { side, strip, scale }: Layout,
  reading: Reading,
  nets: readonly NetName[],
  palette: Palette,
): void {
  context.save();
  // Right is more probable: the strip's own x runs down, its y to the right.
  context.transform(0, 1, 1, 0, side + GAP, strip);
  drawStrip(context, { length: side, height: strip - GAP - 4, scale }, reading, [1, 3], nets, palette);
  context.restore();
}

/** Two opposite edges over a base line of `length`. */
function drawStrip(
  context: CanvasRenderingContext2D,
  { length, height, scale }: { length: number; height: number; scale: number },
  { edges, truth }: Reading,
  [first, second]: readonly [number, number],
  nets: readonly NetName[],
  palette: Palette,
): void {
  context.beginPath();
  context.rect(0, -2, length, height + 4);
  context.clip();
  context.strokeStyle = palette.line;
  context.lineWidth = 1;
  segment(context, 0, 0, length, 0);
  for (const edge of [first, second]) {
    const largest = Math.max(...nets.flatMap((name) => edges[name]?.[edge].probabilities ?? []), 0.2);
    const rise = height / largest;
    context.strokeStyle = palette.ink;
    context.setLineDash([2, 3]);
    segment(context, truth[edge] * scale, 0, truth[edge] * scale, height);
    context.setLineDash([]);
    for (const name of nets) {
      const own = edges[name]?.[edge];
      if (!own) continue;
      const colour = palette.nets[name];
      if (name === 'teacher') drawBars(context, own, { scale, rise, colour });
      else drawLine(context, own, { scale, rise, colour, dash: DASHES[name] });
    }
  }
}

interface Drawing {
  scale: number;
  rise: number;
  colour: string;
}

function drawBars(context: CanvasRenderingContext2D, edge: Edge, { scale, rise, colour }: Drawing): void {
  const width = 0.8 * Math.abs(edge.positions[1] - edge.positions[0]) * scale;
  context.fillStyle = colour;
  context.globalAlpha = 0.55;
  edge.probabilities.forEach((probability, bin) => {
    context.fillRect(edge.positions[bin] * scale - width / 2, 0, width, probability * rise);
  });
  context.globalAlpha = 1;
}

function drawLine(
  context: CanvasRenderingContext2D,
  { positions, probabilities }: Edge,
  { scale, rise, colour, dash }: Drawing & { dash: number[] },
): void {
  context.strokeStyle = context.fillStyle = colour;
  context.lineWidth = 2;
  context.lineJoin = 'round';
  context.setLineDash(dash);
  context.beginPath();
  probabilities.forEach((probability, bin) => {
    context.lineTo(positions[bin] * scale, probability * rise);
  });
  context.stroke();
  context.setLineDash([]);
  probabilities.forEach((probability, bin) => {
    if (probability < 0.02) return;
    context.beginPath();
    context.arc(positions[bin] * scale, probability * rise, 2.5, 0, 2 * Math.PI);
    context.fill();
  });
}

function segment(context: CanvasRenderingContext2D, x1: number, y1: number, x2: number, y2: number): void {
  context.beginPath();
  context.moveTo(x1, y1);
  context.lineTo(x2, y2);
  context.stroke();
}
