import { basename, dirname, extname, join } from 'node:path';
import { removeLeftovers, writeWhole } from '../util/atomicFile.js';
import { loadSharp } from '../util/sharp.js';
import { standaloneSvg } from './export.js';
import type { Figure } from './figure.js';

/** Dots an inch of an SVG whose units are CSS pixels, and how much finer the PNGs are. */
const DENSITY = 96 * 2;

/** Where the figures' files of a page go: a folder beside it. */
export function figuresFolder(page: string): string {
  return join(dirname(page), `${basename(page, extname(page))}-figures`);
}

/**
 * Writes the page and, in a folder beside it, every figure as SVG and PNG, light (NAME.svg) and dark (NAME-dark.svg).
 * @throws DiskError when they cannot be written
 */
export async function writeReport(page: string, html: string, figures: readonly Figure[]): Promise<void> {
  const folder = figuresFolder(page);
  const sharp = await loadSharp();
  for (const figure of figures) {
    for (const theme of ['light', 'dark'] as const) {
      const svg = standaloneSvg(figure, theme);
      const file = join(folder, theme === 'light' ? figure.id : `${figure.id}-dark`);
      await writeWhole(`${file}.svg`, svg);
      const png = await sharp(Buffer.from(svg), { density: DENSITY, unlimited: true }).png().toBuffer();
      await writeWhole(`${file}.png`, png);
    }
  }
  await writeWhole(page, html);
  for (const written of [folder, dirname(page)]) await removeLeftovers(written);
}
