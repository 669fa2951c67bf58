import { READING } from '../../study/markdown.js';
import type {
  FigureName,
  Figure as Measured,
  StudyPlan,
  StudyResults,
  StudyRow,
  StudyTable,
} from '../../study/results.js';
import type { Section } from '../page.js';
import { escapeText } from '../svg.js';
import { type Cell, renderTable } from './table.js';

const COLUMNS: readonly [FigureName, string][] = [
  ['AP', 'AP'],
  ['AP50', 'AP50'],
  ['AP75', 'AP75'],
  ['APs', 'APs'],
  ['APm', 'APm'],
  ['APl', 'APl'],
  ['localizationError', 'localization error'],
  ['classificationError', 'classification error'],
  ['totalVariation', 'total variation'],
];

/** The tables of every plan of a study. */
export function studySections({ plans }: StudyResults): Section[] {
  return plans.map((plan) => ({
    id: `study-${plan.name}`,
    title: `Study: ${plan.name}`,
    html: [
      `<p>${escapeText(lengthOf(plan))} ${READING.map(escapeText).join(' ')} Bold: the interval does not hold 0.</p>`,
      ...plan.tables.map(tableOf),
    ].join(''),
  }));
}

function lengthOf({ seeds, epochs }: StudyPlan): string {
  return `Seeds ${seeds.join(', ')}${epochs === null ? '' : `, ${epochs} epochs`}.`;
}

function tableOf({ title, baseline, rows }: StudyTable): string {
  const columns = COLUMNS.filter(([name]) => rows.some(({ figures }) => figures[name]));
  return renderTable(
    `${title} (differences to ${baseline})`,
    ['method', 'n', ...columns.map(([, label]) => label)],
    rows.map((row) => [
      methodCell(row),
      String(row.n),
      ...columns.map(([name]) => figureCell(name, row.figures[name])),
    ]),
  );
}

function methodCell({ method, size, teacher }: StudyRow): Cell {
  return { text: method, below: teacher === null ? size : `${size}, teacher ${teacher}` };
}

function figureCell(name: FigureName, figure: Measured | null): Cell {
  if (!figure) return '–';
  const shown = (value: number) => (name.startsWith('AP') ? (100 * value).toFixed(1) : value.toFixed(3));
  const signed = (value: number) => `${value < 0 ? '−' : '+'}${shown(Math.abs(value))}`;
  const { mean, deviation, difference } = figure;
  const text = deviation === null ? shown(mean) : `${shown(mean)} ± ${shown(deviation)}`;
  if (!difference) return text;
  const { interval } = difference;
  const range = interval ? ` [${signed(interval[0])}, ${signed(interval[1])}]` : '';
  const isStrong = interval !== null && interval[0] * interval[1] > 0;
  return { text, below: `${signed(difference.mean)}${range}`, isStrong };
}
