import { NONE } from '../util/figures.js';
import { readable } from '../util/readable.js';
import { columnsOf, describeDifference, describeFigure, READING } from './columns.js';
import type { StudyCurve, StudyPlan, StudyResults, StudyTable } from './types.js';

/** Those whose difference to the baseline has a column of its own. */
const COMPARED = new Set(['AP', 'AP75']);

/** `results.md`: every table and curve of a study, its plans, adapter and hours. */
export function describeResults({ study, plans, students, hours }: StudyResults): string {
  const { data, adapter } = study;
  const parts = [
    `# Study of ${escaped(data.name)}`,
    `${data.train} images to train on, ${data.validation} to evaluate on. Adapter: ${escaped(`${adapter.name} (${adapter.kind})`)}. ` +
      `${students.finished} of ${students.of} students finished, ${hours.toFixed(1)} hours of training and evaluation with their teachers, those of every process added.`,
    READING.join('\n'),
    ...plans.map(describePlan),
  ];
  return `${parts.join('\n\n')}\n`;
}

function describePlan({ name, seeds, epochs, tables, curves }: StudyPlan): string {
  const length = epochs === null ? '' : `, ${epochs} epochs`;
  return [
    `## Plan ${escaped(name)}`,
    `Seeds ${seeds.join(', ')}${length}.`,
    ...tables.map((table) => `### ${escaped(table.title)}\n\n${markdown(tableCells(table))}`),
    ...curves.map((curve) => `### ${escaped(curve.title)}\n\n${markdown(curveCells(curve))}`),
  ].join('\n\n');
}

/** Cells of a table, the heading first; columns without a figure are left out. */
export function tableCells({ rows }: StudyTable): string[][] {
  const columns = columnsOf(rows);
  const heading = ['method', 'student', 'teacher', 'n'];
  for (const { label } of columns) heading.push(label, ...(COMPARED.has(label) ? [`Δ${label}`] : []));
  return [
    heading,
    ...rows.map((row) => [
      row.method,
      row.size,
      row.teacher ?? NONE,
      String(row.n),
      ...columns.flatMap((column) => {
        const figure = column.of(row);
        const own = figure ? describeFigure(column, figure) : NONE;
        return COMPARED.has(column.label) ? [own, figure ? describeDifference(column, figure) : NONE] : [own];
      }),
    ]),
  ];
}

/** Cells of a curve, the heading first. */
export function curveCells({ label, points }: StudyCurve): string[][] {
  const columns = columnsOf(points);
  return [
    [label, ...columns.map((column) => column.label)],
    ...points.map((point) => [
      String(point.x),
      ...columns.map((column) => {
        const figure = column.of(point);
        return figure ? describeFigure(column, figure) : NONE;
      }),
    ]),
  ];
}

function markdown([heading, ...rows]: string[][]): string {
  const line = (cells: string[]) => `| ${cells.map(escaped).join(' | ')} |`;
  return [line(heading), `|${heading.map(() => '---').join('|')}|`, ...rows.map(line)].join('\n');
}

/** A text escaped for a cell or heading: no HTML, emphasis or link. */
function escaped(text: string): string {
  return readable(text).replace(/[\\`*_<>&|~]|\](?=[([:])/g, '\\$&');
}
