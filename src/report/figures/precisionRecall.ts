import type { PrecisionRecall } from '../../eval/averagePrecision.js';
import { drawChart, lineEntry, lineSeries, valueAxis } from '../chart.js';
import type { Figure, Panel } from '../figure.js';
import type { RunSummary } from '../types.js';
import type { StyleOf } from './names.js';

const SIZE = { width: 340, height: 250 };
/** Classes with a drawing of their own; data with more show the first. */
const MAX_CLASSES = 12;

/** Precision-recall curves, a drawing a class. */
export function precisionRecallFigure(
  measured: readonly { run: RunSummary; precisionRecall: PrecisionRecall }[],
  styleOf: StyleOf,
): Figure | null {
  if (measured.length === 0) return null;
  const runs = measured.map(({ run }) => run);
  const classes = measured[0].precisionRecall.classes.map(({ name }) => name);
  const panels = classes.slice(0, MAX_CLASSES).map((name, index): Panel => {
    const series = measured.flatMap(({ run, precisionRecall: { recall, classes: curves } }) => {
      const style = styleOf(run);
      const curve = curves[index];
      if (!curve) return [];
      const points = (precision: number[]) =>
        recall.flatMap((r, i) => (precision[i] > 0 ? [[r, precision[i]] as const] : []));
      return [
        lineSeries(points(curve.at50), style, { symbol: 'none' }),
        lineSeries(points(curve.at75), style, {
          symbol: 'none',
          lineStyle: { color: style.color, type: style.type, width: 1, opacity: 0.75 },
        }),
      ];
    });
    const bounds = { min: 0, max: 1, interval: 0.25 };
    const body = drawChart(
      {
        grid: { left: 40, right: 14, top: 26, bottom: 42 },
        xAxis: valueAxis('recall', true, bounds),
        yAxis: valueAxis('precision', false, bounds),
        series,
      },
      SIZE,
    );
    return {
      title: name,
      ...SIZE,
      body,
      label: `Precision over recall of ${name} for ${runs.map((run) => run.name).join(', ')}`,
    };
  });
  const more = classes.length > MAX_CLASSES ? ` The first ${MAX_CLASSES} of ${classes.length} classes.` : '';
  return {
    id: 'precision-recall',
    title: 'Precision and recall of each class',
    caption: `Further up and to the right is better. Strong lines: a box counts from IoU 0.5 on; thin lines: from 0.75 on, so the gap between the two is what better localization could gain.${more}`,
    panels,
    columns: 3,
    legend: runs.map((run) => lineEntry(run.name, styleOf(run))),
  };
}
