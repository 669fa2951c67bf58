/** What a run leaves in the repository: bench/results/ and the README's table. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { drawCurves } from './figure.js';
import { formatMarkdown, type Report } from './report.js';

const RESULTS = 'bench/results';
const README = 'README.md';
const START = '<!-- bench: written by npm run bench:readme -->';
const END = '<!-- bench: end -->';

/** Writes the curves as a picture and the whole report as JSON; returns the files' names. */
export function writeResults(report: Report): string {
  const file = resultsFile(report.adapter);
  mkdirSync(RESULTS, { recursive: true });
  writeFileSync(`${file}.json`, `${JSON.stringify(report, null, 2)}\n`);
  writeFileSync(`${file}.svg`, drawCurves(report, report.curves ?? []));
  return `${file}.json and ${file}.svg`;
}

/** Writes what `npm run bench:gpu` measured; returns the file's name. */
export function writeGpuResults(report: Report): string {
  mkdirSync(RESULTS, { recursive: true });
  const file = `${resultsFile(report.adapter)}.gpu.json`;
  writeFileSync(file, `${JSON.stringify(report, null, 2)}\n`);
  return file;
}

/** Replaces the README's table, and its picture where the adapter has one; returns the file's name. */
export function writeReadme(report: Report): string {
  const picture = `${resultsFile(report.adapter)}.svg`;
  const figure = existsSync(picture) ? `\n\n![How the head loss scales](${picture})` : '';
  writeFileSync(README, replaceBetweenMarkers(readFileSync(README, 'utf8'), formatMarkdown(report) + figure));
  return README;
}

/** The adapter's name without its version, as a file's name without an ending. */
export function resultsFile(adapter: string): string {
  const [name] = adapter.split(/[:(]|\d+\.\d/);
  const words = name.toLowerCase().match(/[a-z0-9]+/g) ?? ['adapter'];
  return `${RESULTS}/${words.join('-')}`;
}

/**
 * Replaces what lies between the two marker comments.
 * @throws Error when the text does not have the two, once each and in order
 */
export function replaceBetweenMarkers(text: string, content: string): string {
  const parts = text.split(START);
  const [, after, ...more] = (parts[1] ?? '').split(END);
  if (parts.length !== 2 || after === undefined || more.length > 0 || parts[0].includes(END)) {
    throw new Error(`${README}: expected once, and in this order, the lines "${START}" and "${END}".`);
  }
  return `${parts[0]}${START}\n\n${content.trim()}\n\n${END}${after}`;
}
