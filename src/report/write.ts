import { writeFile } from 'node:fs/promises';
import { basename, dirname, extname, join } from 'node:path';
import { InputError } from '../util/error.js';
import { makeFolder } from '../util/folder.js';
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
 * @throws InputError when they cannot be written
 */
export async function writeReport(page: string, html: string, figures: readonly Figure[]): Promise<void> {
  const folder = figuresFolder(page);
  const sharp = await loadSharp();
  try {
    await makeFolder(folder);
    await writeFile(page, html);
  } catch (error) {
    throw new InputError(`${page} cannot be written (${(error as Error).message}); give another --out.`);
  }
  for (const figure of figures) {
    for (const theme of ['light', 'dark'] as const) {
      const svg = standaloneSvg(figure, theme);
      const file = join(folder, theme === 'light' ? figure.id : `${figure.id}-dark`);
      await writeFile(`${file}.svg`, svg);
      await sharp(Buffer.from(svg), { density: DENSITY, unlimited: true }).png().toFile(`${file}.png`);
    }
  }
}
