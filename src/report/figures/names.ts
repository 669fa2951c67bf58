import { readable, shortened } from '../../util/readable.js';
import type { LineStyle } from '../chart.js';
import { colour, seriesColour } from '../colours.js';
import type { RunSummary } from '../types.js';

/** How a run is called above a drawing. */
export function titleOf({ role, ld, name }: RunSummary): string {
  if (role === 'detector') return name;
  return role === 'teacher' ? 'Teacher' : `Student ${ld ? 'with' : 'without'} LD`;
}

/** What stands behind the titles: sizes and recipes. */
export function detailsOf(runs: readonly RunSummary[]): string {
  return `${runs.map((run) => `${titleOf(run)}: ${run.size}, ${run.recipe}`).join('; ')}.`;
}

const DASHES: LineStyle['type'][] = [
  [10, 3, 2, 3],
  [3, 3],
  [14, 4],
  [10, 3, 2, 3, 2, 3],
  [1, 4],
];

/** The line of a run in charts. */
export type StyleOf = (run: RunSummary) => LineStyle;

/** Unreachable; satisfies the type checker. */
const OTHER: LineStyle = { color: colour('ink'), type: 'solid' };

/**
 * Line styles of runs: the teacher green and dotted, a student without LD orange and dashed, one with it blue and solid, all
 * others in further colours and dashes.
 * @param shown those that pictures show; among equals they have the main colours
 */
export function stylesOf(runs: readonly RunSummary[], shown: readonly RunSummary[]): StyleOf {
  const first = (wanted: (run: RunSummary) => boolean) => [...shown, ...runs].find(wanted)?.name;
  const main = new Map<string | undefined, LineStyle>([
    [first(({ role }) => role === 'teacher'), { color: colour('teacher'), type: 'dotted' }],
    [first(({ role, ld }) => role !== 'teacher' && !ld), { color: colour('plain'), type: 'dashed' }],
    [first(({ role, ld }) => role !== 'teacher' && ld), { color: colour('distilled'), type: 'solid' }],
  ]);
  const others = runs.filter(({ name }) => !main.has(name));
  const further = others.map(({ name }, i): [string, LineStyle] => [
    name,
    { color: seriesColour(i + 1), type: DASHES[i % DASHES.length] },
  ]);
  const styles = new Map([...main, ...further]);
  return ({ name }) => styles.get(name) ?? OTHER;
}

/** A text on at most two lines of this many characters; a longer one ends with an ellipsis. */
export function wrapped(text: string, most: number): string {
  const characters = Array.from(readable(text));
  if (characters.length <= most) return characters.join('');
  const blank = characters.lastIndexOf(' ', most);
  const end = blank > 0 ? blank : most;
  const rest = characters.slice(end).join('').trimStart();
  return `${characters.slice(0, end).join('')}\n${shortened(rest, most)}`;
}
