import type { Figure, FigureName, StudyCurve, StudyPlan, StudyResults, StudyTable } from './results.js';

/** Columns of the tables: what they are called, and whether the figure is shown in percent. */
const COLUMNS: readonly [FigureName, string][] = [
  ['AP', 'AP'],
  ['AP50', 'AP50'],
  ['AP75', 'AP75'],
  ['APs', 'APs'],
  ['APm', 'APm'],
  ['APl', 'APl'],
  ['classificationError', 'class error'],
  ['localizationError', 'edge error'],
  ['totalVariation', 'edge TV'],
];
/** Those whose difference to the baseline has a column of its own. */
const COMPARED = new Set<FigureName>(['AP', 'AP75']);

/** What the columns are and how much the intervals tell. */
export const READING = [
  'Mean ± sample standard deviation over n seeds; AP in percent. Δ: mean difference to the first row over the same seeds, with its 95 % bootstrap interval.',
  'With 3 seeds that interval is the range of three differences: it says whether they agree, and no more; five to ten seeds make it one.',
  'Class error: mean L1 distance of the class scores to the teacher’s; edge error: mean distance of the expected edges in strides; edge TV: mean total variation distance of the edges’ distributions; where the teacher sees an object.',
];

/** `results.md`: every table and curve of a study, its plans, adapter and hours. */
export function describeResults({ study, plans, students, hours }: StudyResults): string {
  const { data, adapter } = study;
  const parts = [
    `# Study of ${data.name}`,
    `${data.train} images to train on, ${data.validation} to evaluate on. Adapter: ${adapter.name} (${adapter.kind}). ` +
      `${students.finished} of ${students.of} students finished, ${hours.toFixed(1)} hours of training and evaluation with their teachers.`,
    READING.join('\n'),
    ...plans.map(describePlan),
  ];
  return `${parts.join('\n\n')}\n`;
}

function describePlan({ name, seeds, epochs, tables, curves }: StudyPlan): string {
  const length = epochs === null ? '' : `, ${epochs} epochs`;
  return [
    `## Plan ${name}`,
    `Seeds ${seeds.join(', ')}${length}.`,
    ...tables.map((table) => `### ${table.title}\n\n${markdown(tableCells(table))}`),
    ...curves.map((curve) => `### ${curve.title}\n\n${markdown(curveCells(curve))}`),
  ].join('\n\n');
}

/** Cells of a table, the heading first; columns without a figure are left out. */
export function tableCells({ rows }: StudyTable): string[][] {
  const columns = COLUMNS.filter(([name]) => rows.some(({ figures }) => figures[name]));
  const heading = ['method', 'student', 'teacher', 'n'];
  for (const [name, label] of columns) heading.push(label, ...(COMPARED.has(name) ? [`Δ${label}`] : []));
  return [
    heading,
    ...rows.map(({ method, size, teacher, n, figures }) => [
      method,
      size,
      teacher ?? '–',
      String(n),
      ...columns.flatMap(([name]) => [
        describeFigure(name, figures[name]),
        ...(COMPARED.has(name) ? [describeDifference(figures[name])] : []),
      ]),
    ]),
  ];
}

/** Cells of a curve, the heading first. */
export function curveCells({ label, points }: StudyCurve): string[][] {
  const columns = COLUMNS.filter(([name]) => points.some(({ figures }) => figures[name]));
  return [
    [label, ...columns.map(([, name]) => name)],
    ...points.map(({ x, figures }) => [String(x), ...columns.map(([name]) => describeFigure(name, figures[name]))]),
  ];
}

function describeFigure(name: FigureName, figure: Figure | null): string {
  if (!figure) return '–';
  const show = (value: number) => (name.startsWith('AP') ? (100 * value).toFixed(1) : value.toFixed(3));
  return figure.deviation === null ? show(figure.mean) : `${show(figure.mean)} ± ${show(figure.deviation)}`;
}

function describeDifference(figure: Figure | null): string {
  if (!figure?.difference) return '–';
  const { mean, interval } = figure.difference;
  const signed = (value: number) => {
    const text = (100 * value).toFixed(1);
    return value < 0 ? text.replace('-', '−') : `+${text}`;
  };
  return interval ? `${signed(mean)} [${interval.map(signed).join(', ')}]` : signed(mean);
}

function markdown([heading, ...rows]: string[][]): string {
  const line = (cells: string[]) => `| ${cells.join(' | ')} |`;
  return [line(heading), `|${heading.map(() => '---').join('|')}|`, ...rows.map(line)].join('\n');
}
