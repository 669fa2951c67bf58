import type { FigureName, StudyTable } from '../../study/types.js';
import { drawChart, errorBars, niceRange, valueAxis } from '../chart.js';
import { type Colour, colour } from '../colours.js';
import type { Figure, Panel } from '../figure.js';
import { wrapped } from './names.js';

const WIDTH = 520;
const ROW = 30;

const MEASURES: readonly { name: FigureName; title: string; colour: Colour }[] = [
  { name: 'AP', title: 'AP', colour: 'distilled' },
  { name: 'AP75', title: 'AP75', colour: 'teacher' },
];

/** What each method of a study's tables gains over the first, with the interval of its paired differences. */
export function differencesFigure(tables: readonly StudyTable[]): Figure | null {
  const panels = tables.flatMap((table) => MEASURES.flatMap((measure) => differencePanel(table, measure) ?? []));
  if (panels.length === 0) return null;
  return {
    id: 'differences',
    title: 'What each method gains',
    caption:
      'Points of AP more than the first row of the table, seed by seed: the dot is the mean of the paired differences, the line their 95 % bootstrap interval ' +
      '(with three seeds: their range). A line that crosses 0 shows no gain.',
    panels,
    columns: 2,
    legend: [],
  };
}

function differencePanel({ title, baseline, rows }: StudyTable, measure: (typeof MEASURES)[number]): Panel | null {
  const known = rows.flatMap(({ method, figures }) => {
    const difference = figures[measure.name]?.difference;
    if (!difference) return [];
    const [low, high] = difference.interval ?? [difference.mean, difference.mean];
    return [{ method, mean: 100 * difference.mean, low: 100 * low, high: 100 * high }];
  });
  if (known.length < 2) return null;
  const size = { width: WIDTH, height: 54 + ROW * known.length };
  const down = [...known].reverse();
  const color = colour(measure.colour);
  const body = drawChart(
    {
      grid: { left: 196, right: 24, top: 6, bottom: 42 },
      xAxis: valueAxis(`${measure.title} more than ${baseline}, points`, true, {
        ...niceRange(Math.min(0, ...down.map(({ low }) => low)), Math.max(0, ...down.map(({ high }) => high))),
        splitLine: { show: true, lineStyle: { color: colour('line') } },
      }),
      yAxis: {
        type: 'category',
        data: down.map(({ method }) => wrapped(method, 30)),
        axisLabel: { color: colour('ink'), fontSize: 12, lineHeight: 13 },
        axisLine: { show: false },
        axisTick: { show: false },
      },
      series: [
        {
          type: 'line',
          data: down.map(({ mean }, row) => [mean, row]),
          color,
          lineStyle: { width: 0 },
          symbol: 'circle',
          symbolSize: 9,
          emphasis: { disabled: true },
          markLine: {
            silent: true,
            symbol: 'none',
            data: [{ xAxis: 0 }],
            lineStyle: { color: colour('ink'), type: 'solid', width: 1 },
            label: { show: false },
          },
        },
        errorBars(
          down.flatMap(({ low, high }, row): [number, number, number][] => (low < high ? [[row, low, high]] : [])),
          { color, isHorizontal: true },
        ),
      ],
    },
    size,
  );
  const told = known.map(
    ({ method, mean, low, high }) => `${method} ${signed(mean)} (${signed(low)} to ${signed(high)})`,
  );
  return {
    title: `${title}: ${measure.title}`,
    ...size,
    body,
    label: `Points of ${measure.title} more than ${baseline}: ${told.join(', ')}`,
  };
}

function signed(points: number): string {
  return `${points < 0 ? '−' : '+'}${Math.abs(points).toFixed(1)}`;
}
