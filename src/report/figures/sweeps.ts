import type { FigureName, StudyCurve } from '../../study/types.js';
import { drawChart, errorBars, lineSeries, niceRange, valueAxis } from '../chart.js';
import { type Colour, colour } from '../colours.js';
import type { Figure, Panel } from '../figure.js';

const SIZE = { width: 400, height: 260 };

const MEASURES: readonly { name: FigureName; title: string; unit: string; factor: number; colour: Colour }[] = [
  { name: 'AP', title: 'AP', unit: '%', factor: 100, colour: 'distilled' },
  { name: 'AP75', title: 'AP75', unit: '%', factor: 100, colour: 'teacher' },
  { name: 'localizationError', title: 'localization error', unit: 'strides', factor: 1, colour: 'plain' },
];

/** Measures along a number that sets methods apart, such as LD's temperature or γ, with error bars. */
export function sweepsFigure(curves: readonly StudyCurve[]): Figure | null {
  const panels = curves.flatMap((curve) => MEASURES.flatMap((measure) => sweepPanel(curve, measure) ?? []));
  if (panels.length === 0) return null;
  return {
    id: 'sweeps',
    title: 'Temperature, γ and other numbers',
    caption:
      'Each point is the mean over the seeds of a method that differs from its neighbours in the number below; bars are one standard deviation. ' +
      'Where bars overlap widely, the number hardly matters.',
    panels,
    columns: 3,
    legend: [],
  };
}

function sweepPanel({ title, label, points }: StudyCurve, measure: (typeof MEASURES)[number]): Panel | null {
  const { name, factor, unit } = measure;
  const known = points.flatMap(({ x, figures }) => {
    const figure = figures[name];
    return figure
      ? [{ x, mean: factor * figure.mean, sd: figure.deviation === null ? 0 : factor * figure.deviation }]
      : [];
  });
  if (known.length < 2) return null;
  const color = colour(measure.colour);
  const room = Math.max(...known.map(({ sd }) => sd), 0.02 * Math.max(...known.map(({ mean }) => mean)), 1e-3);
  const low = Math.min(...known.map(({ mean }) => mean)) - 1.5 * room;
  const high = Math.max(...known.map(({ mean }) => mean)) + 1.5 * room;
  const places = known.map(({ x }) => x);
  const body = drawChart(
    {
      xAxis: valueAxis(label, true, niceRange(Math.min(0, ...places), Math.max(...places))),
      yAxis: valueAxis(unit, false, niceRange(Math.max(low, 0), high)),
      series: [
        lineSeries(
          known.map(({ x, mean }) => [x, mean]),
          { color, type: 'solid' },
          { symbolSize: 7 },
        ),
        errorBars(
          known.filter(({ sd }) => sd > 0).map(({ x, mean, sd }) => [x, mean - sd, mean + sd]),
          { color },
        ),
      ],
    },
    SIZE,
  );
  const told = known.map(({ x, mean, sd }) => `${x}: ${mean.toPrecision(3)} ± ${sd.toPrecision(2)}`);
  return {
    title: `${title}: ${measure.title}`,
    ...SIZE,
    body,
    label: `${measure.title} in ${unit} over ${label}; ${told.join(', ')}`,
  };
}
