import { drawChart, lineEntry, lineSeries, valueAxis } from '../chart.js';
import { colour } from '../colours.js';
import type { Figure, Panel } from '../figure.js';
import type { RunSummary } from '../types.js';
import type { StyleOf } from './names.js';

/** How an edge's spread goes with its true error, in strides: edges sorted by spread into bins. */
export interface Calibration {
  bins: { meanSpread: number; meanError: number; count: number }[];
  /** Rank correlation of spread and error over all edges. */
  spearman: number;
  /** Edges that count. */
  edges: number;
}

const SIZE = { width: 460, height: 320 };
/** Mean absolute deviation of a normal distribution, √(2 ⁄ π) of its standard deviation. */
const NORMAL = Math.sqrt(2 / Math.PI);

/** Whether a flat distribution means an uncertain edge. */
export function calibrationFigure(
  measured: readonly { run: RunSummary; calibration: Calibration }[],
  styleOf: StyleOf,
): Figure | null {
  const drawn = measured.filter(({ calibration }) => calibration.bins.some(({ count }) => count > 0));
  if (drawn.length === 0) return null;
  const lines = drawn.map(({ run, calibration }) => ({
    style: styleOf(run),
    points: calibration.bins
      .filter(({ count }) => count > 0)
      .map(({ meanSpread, meanError }) => [meanSpread, meanError] as const),
  }));
  const farthest = Math.max(...lines.flatMap(({ points }) => points.map(([x]) => x)));
  const normal = { color: colour('soft'), type: [2, 2] };
  const body = drawChart(
    {
      xAxis: valueAxis('standard deviation of the edge’s distribution, strides', true, { min: 0 }),
      yAxis: valueAxis('mean true error of the edge, strides', false, { min: 0 }),
      series: [
        lineSeries(
          [
            [0, 0],
            [farthest, NORMAL * farthest],
          ],
          normal,
          { symbol: 'none' },
        ),
        ...lines.map(({ points, style }) => lineSeries(points, style, { symbolSize: 6 })),
      ],
    },
    SIZE,
  );
  const found = drawn.map(
    ({ run, calibration }) =>
      `${run.name}: rank correlation ${calibration.spearman.toFixed(2)} over ${calibration.edges} edges`,
  );
  const panel: Panel = { title: '', ...SIZE, body, label: `Mean true error over spread; ${found.join('; ')}` };
  return {
    id: 'calibration',
    title: 'Does a flat distribution mean an uncertain edge?',
    caption:
      'Edges of found objects, sorted into groups by the spread of their distribution; each point is a group. A rising line means that flat edges ' +
      'really are farther off. On the dotted line an edge would be as wrong as a normal distribution of its spread says; below it the spread is too wide, above it ' +
      `too narrow. Rank correlation of spread and error: ${drawn.map(({ run, calibration }) => `${run.name} ${calibration.spearman.toFixed(2)}`).join(', ')}.`,
    panels: [panel],
    columns: 1,
    legend: [
      ...drawn.map(({ run }, i) => lineEntry(run.name, lines[i].style)),
      lineEntry('error of a normal distribution', { color: colour('soft'), type: 'dotted' }),
    ],
  };
}
