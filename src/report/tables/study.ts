import { type Column, columnsOf, describeDifference, describeFigure, READING } from '../../study/columns.js';
import type { Figure as Measured, StudyPlan, StudyResults, StudyRow, StudyTable } from '../../study/types.js';
import { NONE } from '../../util/figures.js';
import { html, type Markup } from '../markup.js';
import type { Section } from '../page.js';
import { type Cell, renderTable } from './table.js';

/** The tables of every plan of a study. */
export function studySections({ plans }: StudyResults): Section[] {
  return plans.map((plan) => ({
    id: `study-${plan.name.replace(/[^\w.-]+/g, '-')}`,
    title: `Study: ${plan.name}`,
    content: html`<p>${lengthOf(plan)} ${READING.join(' ')} Bold: the interval does not hold 0.</p>${plan.tables.map(tableOf)}`,
  }));
}

function lengthOf({ seeds, epochs }: StudyPlan): string {
  return `Seeds ${seeds.join(', ')}${epochs === null ? '' : `, ${epochs} epochs`}.`;
}

function tableOf({ title, baseline, rows }: StudyTable): Markup {
  const columns = columnsOf(rows);
  return renderTable(
    `${title} (differences to ${baseline})`,
    ['method', 'n', ...columns.map(({ label }) => label)],
    rows.map((row) => [methodCell(row), String(row.n), ...columns.map((column) => figureCell(column, column.of(row)))]),
  );
}

function methodCell({ method, size, teacher }: StudyRow): Cell {
  return { text: method, below: teacher === null ? size : `${size}, teacher ${teacher}` };
}

function figureCell(column: Column, figure: Measured | null): Cell {
  if (!figure) return NONE;
  const text = describeFigure(column, figure);
  const { difference } = figure;
  if (!difference) return text;
  const { interval } = difference;
  const isStrong = interval !== null && interval[0] * interval[1] > 0;
  return { text, below: describeDifference(column, figure), isStrong };
}
