import type { LineStyle } from '../chart.js';
import { colour, seriesColour } from '../colours.js';
import type { RunSummary } from '../types.js';

/** How a run is called above a drawing. */
export function titleOf({ role, ld, size, recipe, name }: RunSummary): string {
  if (role === 'detector') return `${name} (${size}, ${recipe})`;
  if (role === 'teacher') return `Teacher (${size})`;
  return `Student ${ld ? 'with' : 'without'} LD (${size}, ${recipe})`;
}

const DASHES: LineStyle['type'][] = ['solid', 'dashed', 'dotted', [8, 3, 2, 3], [3, 3]];

/**
 * Line styles of runs: the teacher green and dotted, the first student without LD orange and dashed, the first with LD blue
 * and solid, all others in further colours and dashes.
 */
export function stylesOf(runs: readonly RunSummary[]): Map<string, LineStyle> {
  const first = (wanted: (run: RunSummary) => boolean) => runs.find(wanted)?.name;
  const teacher = first(({ role }) => role === 'teacher');
  const plain = first(({ role, ld }) => role === 'student' && !ld);
  const distilled = first(({ role, ld }) => role === 'student' && ld);
  let others = 0;
  return new Map(
    runs.map(({ name }): [string, LineStyle] => {
      if (name === teacher) return [name, { color: colour('teacher'), type: 'dotted' }];
      if (name === plain) return [name, { color: colour('plain'), type: 'dashed' }];
      if (name === distilled) return [name, { color: colour('distilled'), type: 'solid' }];
      others++;
      return [name, { color: seriesColour(others), type: DASHES[others % DASHES.length] }];
    }),
  );
}

/** A text of at most so many characters. */
export function clipped(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, most - 1)}…`;
}
