import type { Look } from '../protocol.js';
import { placeOf } from './edges.js';
import { ON_IMAGE } from './palette.js';

/** Which regions are drawn over the image. */
export interface RegionChoice {
  main: boolean;
  valuable: boolean;
  /** Index of the only level to draw; null: all. */
  level: number | null;
}

/** The main region as filled squares, the valuable one as discs whose size is the weight: told apart by form, too. */
export function drawRegions(
  context: CanvasRenderingContext2D,
  look: Look,
  scale: number,
  { main, valuable, level: only }: RegionChoice,
): void {
  for (let location = 0; location < look.matched.length; location++) {
    const { level, x, y } = placeOf(look.grid, location);
    if (only !== null && level !== only) continue;
    const stride = look.grid.strides[level];
    // The cell, not the anchor, which lies at its corner.
    const offset = (0.5 - look.grid.centreOffset) * stride;
    const [centreX, centreY, size] = [(x + offset) * scale, (y + offset) * scale, 0.5 * stride * scale];
    context.lineWidth = 1.5;
    context.strokeStyle = ON_IMAGE.rim;
    const weight = look.valuable[location];
    if (valuable && weight > 0) {
      context.fillStyle = ON_IMAGE.valuable;
      context.globalAlpha = 0.75;
      context.beginPath();
      context.arc(centreX, centreY, size * (0.25 + 0.5 * Math.min(1, weight)), 0, 2 * Math.PI);
      context.fill();
      context.stroke();
    }
    if (main && look.matched[location] >= 0) {
      context.fillStyle = ON_IMAGE.main;
      context.globalAlpha = 0.7;
      const side = 1.1 * size;
      context.fillRect(centreX - side / 2, centreY - side / 2, side, side);
      context.strokeRect(centreX - side / 2, centreY - side / 2, side, side);
    }
  }
  context.globalAlpha = 1;
}
