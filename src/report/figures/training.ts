import { TERMS } from '../../losses/headTerms.js';
import type { LogEntry } from '../../train/logEntry.js';
import { drawChart, lineEntry, lineSeries, valueAxis } from '../chart.js';
import type { Figure, Panel } from '../figure.js';
import type { RunSummary } from '../types.js';
import type { StyleOf } from './names.js';

const SIZE = { width: 340, height: 220 };

/** What is drawn over the epochs, if any run has it. */
const CURVES: { title: string; unit: string; of: (entry: LogEntry) => number | undefined }[] = [
  { title: 'AP', unit: '%', of: percent('AP') },
  { title: 'AP50', unit: '%', of: percent('AP50') },
  { title: 'AP75', unit: '%', of: percent('AP75') },
  {
    title: 'Localization error to the teacher',
    unit: 'strides',
    of: ({ agreement }) => agreement?.all.localizationError,
  },
  {
    title: 'Classification error to the teacher',
    unit: 'L1 of scores',
    of: ({ agreement }) => agreement?.all.classificationError,
  },
  { title: 'Loss, all terms', unit: 'weighted', of: ({ loss }) => loss },
  ...TERMS.map(({ name, curve }) => ({ title: curve, unit: 'weighted', of: term(name) })),
];

function percent(name: string) {
  return ({ evaluation }: LogEntry) => {
    const fraction = evaluation?.[name] ?? -1; // COCO's −1: no object of the size
    return fraction >= 0 ? 100 * fraction : undefined;
  };
}

/** A term that is always 0 is switched off. */
function term(name: keyof LogEntry['terms']) {
  return ({ terms }: LogEntry) => terms[name] || undefined;
}

/** Measures and loss terms of all runs over the epochs: a drawing each. */
export function trainingFigure(runs: readonly RunSummary[], styleOf: StyleOf): Figure | null {
  const panels = CURVES.flatMap(({ title, unit, of }): Panel[] => {
    const lines = runs.flatMap((run) => {
      const points = run.log.flatMap((entry) => {
        const value = of(entry);
        return value === undefined ? [] : [[entry.epoch, value] as const];
      });
      return points.length > 0 ? [{ run, points }] : [];
    });
    if (lines.length === 0) return [];
    const series = lines.map(({ run, points }) => lineSeries(points, styleOf(run)));
    const body = drawChart(
      {
        grid: { left: 44, right: 12, top: 26, bottom: 40 },
        xAxis: valueAxis('epoch', true, { min: 0, splitNumber: 4 }),
        yAxis: valueAxis(unit, false, { min: 0, splitNumber: 3 }),
        series,
      },
      SIZE,
    );
    const ends = lines.map(({ run, points }) => `${run.name} ${points[points.length - 1][1].toPrecision(3)}`);
    return [{ title, ...SIZE, body, label: `${title} over the epochs; at the end: ${ends.join(', ')}` }];
  });
  if (panels.length === 0) return null;
  return {
    id: 'training',
    title: 'How the trainings went',
    caption:
      'One drawing a quantity, one line a run, over the epochs. AP is of the validation set; loss terms are means over an epoch, with their ' +
      'weights, so that their heights say what drives the training. Terms that no recipe uses are left out.',
    panels,
    columns: 3,
    legend: runs.map((run) => lineEntry(run.name, styleOf(run))),
  };
}
