import { decimals, NONE, percent } from '../util/figures.js';
import { FIGURES, type Figure, type StudyRow } from './types.js';

/** Data of more classes have no column for each. */
const MAX_CLASSES = 6;

type Figures = Pick<StudyRow, 'figures' | 'classes'>;

/** A column of a study's tables, whatever they are written in. */
export interface Column {
  label: string;
  of: (row: Figures) => Figure | null;
  /** The figure, without a sign for what rises above 0: AP in percent, a distance with three decimals. */
  show: (value: number) => string;
}

/** What the columns are and how much the intervals tell. */
export const READING = [
  'Mean ± sample standard deviation over n seeds; AP in percent, that of a class under its name. Δ: mean difference to the first row over the same seeds, with its 95 % bootstrap interval.',
  'With 3 seeds that interval is the range of three differences: it says whether they agree, and no more; five to ten seeds make it one.',
  'Edge error: mean distance of the expected edges to the teacher’s in strides; class error: mean L1 distance of the class scores; edge TV: mean total variation distance of the edges’ distributions; where the teacher sees an object.',
];

/** The columns for which some row has a figure. */
export function columnsOf(rows: readonly Figures[]): Column[] {
  const columns = FIGURES.map(
    ([name, label]): Column => ({
      label,
      of: ({ figures }) => figures[name],
      show: name.startsWith('AP') ? percent : (value) => decimals(value, 3),
    }),
  );
  const names = [...new Set(rows.flatMap(({ classes }) => Object.keys(classes)))];
  if (names.length <= MAX_CLASSES) {
    const firstDistance = FIGURES.findIndex(([name]) => !name.startsWith('AP'));
    const ofClasses = names.map(
      (name): Column => ({
        label: name,
        of: ({ classes }) => (Object.hasOwn(classes, name) ? classes[name] : null),
        show: percent,
      }),
    );
    columns.splice(firstDistance, 0, ...ofClasses);
  }
  return columns.filter((column) => rows.some((row) => column.of(row)));
}

/** With its sign, a true minus. */
function signed({ show }: Column, value: number): string {
  return `${value < 0 ? '−' : '+'}${show(Math.abs(value))}`;
}

export function describeFigure({ show }: Column, { mean, deviation }: Figure): string {
  return deviation === null ? show(mean) : `${show(mean)} ± ${show(deviation)}`;
}

export function describeDifference(column: Column, { difference }: Figure): string {
  if (!difference) return NONE;
  const { mean, interval } = difference;
  const range = interval ? ` [${interval.map((value) => signed(column, value)).join(', ')}]` : '';
  return `${signed(column, mean)}${range}`;
}
