import type { CalibrationCurve, EdgeCalibration } from '../../eval/edgeCalibration.js';
import { drawChart, lineEntry, lineSeries, valueAxis } from '../chart.js';
import { colour } from '../colours.js';
import type { Figure, Panel } from '../figure.js';
import type { RunSummary } from '../types.js';
import type { StyleOf } from './names.js';

interface Measured {
  run: RunSummary;
  calibration: EdgeCalibration;
}

const SIZE = { width: 460, height: 300 };
/** Mean absolute deviation of a normal distribution, in its standard deviations: √(2 ⁄ π). */
const NORMAL = Math.sqrt(2 / Math.PI);
const NORMAL_LINE = { color: colour('soft'), type: [2, 2] };

/** Whether a flat distribution means an uncertain edge. */
export function calibrationFigure(measured: readonly Measured[], styleOf: StyleOf): Figure | null {
  const drawn = measured.filter(({ calibration }) => calibration.edges > 0);
  if (drawn.length === 0) return null;
  const runs = drawn.map(({ run }) => run);
  const correlations = drawn.map(
    ({ run, calibration: { spearman, pixels } }) =>
      `${run.name} ${spearman.toFixed(2)} and ${pixels.spearman.toFixed(2)}`,
  );
  return {
    id: 'calibration',
    title: 'Does a flat distribution mean an uncertain edge?',
    caption:
      'The edges of found objects in groups of equal number, by the spread of their distribution: a rising line means that flat edges really are ' +
      'farther off. On the dotted line an edge is as wrong as a normal distribution of its spread would be; below it the spread is too wide, above ' +
      `it too narrow. Rank correlation of spread and error, in strides and in pixels: ${correlations.join('; ')}.`,
    panels: [
      calibrationPanel('In strides', drawn, ({ calibration }) => calibration, styleOf),
      calibrationPanel('In pixels', drawn, ({ calibration }) => calibration.pixels, styleOf),
    ],
    columns: 2,
    legend: [
      ...runs.map((run) => lineEntry(run.name, styleOf(run))),
      lineEntry('error of a normal distribution', { ...NORMAL_LINE, type: 'dotted' }),
    ],
  };
}

function calibrationPanel(
  title: string,
  drawn: readonly Measured[],
  curveOf: (one: Measured) => CalibrationCurve,
  styleOf: StyleOf,
): Panel {
  const farthest = Math.max(...drawn.flatMap((one) => curveOf(one).bins.map(({ meanSpread }) => meanSpread)));
  const body = drawChart(
    {
      xAxis: valueAxis('mean standard deviation of the distribution', true, { min: 0 }),
      yAxis: valueAxis('mean error of the edge', false, { min: 0 }),
      series: [
        lineSeries(
          [
            [0, 0],
            [farthest, NORMAL * farthest],
          ],
          { ...NORMAL_LINE, type: 'dotted' },
          { symbol: 'none' },
        ),
        ...drawn.map((one) =>
          lineSeries(
            curveOf(one).bins.map(({ meanSpread, meanError }) => [meanSpread, meanError]),
            styleOf(one.run),
            { symbolSize: 6 },
          ),
        ),
      ],
    },
    SIZE,
  );
  const told = drawn.map((one) => `${one.run.name}: rank correlation ${curveOf(one).spearman.toFixed(2)}`);
  return { title, ...SIZE, body, label: `${title}, mean error over spread; ${told.join('; ')}` };
}
