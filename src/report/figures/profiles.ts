import { drawChart, lineEntry, lineSeries, valueAxis } from '../chart.js';
import { colour } from '../colours.js';
import type { Figure, Panel } from '../figure.js';
import { focusOf, spread } from '../focus.js';
import type { RunSummary, Scene } from '../types.js';
import { type StyleOf, titleOf } from './names.js';

const SIZE = { width: 300, height: 220 };
const EDGES = ['Left', 'Top', 'Right', 'Bottom'] as const;
/** Bins of lower probability need no room. */
const LEAST = 0.01;

/** The four edges of the object in focus: every detector's distribution over the pixels of the image. */
export function profilesFigure(
  scene: Scene,
  runs: readonly RunSummary[],
  { styleOf, classes }: { styleOf: StyleOf; classes: readonly string[] },
): Figure | null {
  const focus = focusOf(scene);
  if (!focus) return null;
  const highest = Math.max(...focus.boxes.flatMap(({ edges }) => edges.flat()));
  const panels = EDGES.map((title, edge): Panel => {
    const sign = edge < 2 ? -1 : 1;
    const axis = edge % 2;
    const lines = focus.boxes.map(({ centre, step, edges }) =>
      edges[edge].map((p, k) => [centre[axis] + sign * k * step, p] as const).sort(([a], [b]) => a - b),
    );
    const likely = lines.flat().filter(([, p]) => p >= LEAST);
    const places = likely.map(([at]) => at);
    const step = Math.max(...focus.boxes.map((box) => box.step));
    const body = drawChart(
      {
        grid: { left: 40, right: 14, top: 26, bottom: 42 },
        xAxis: valueAxis(axis === 0 ? 'x in pixels' : 'y in pixels', true, {
          min: Math.floor(Math.min(...places) - step),
          max: Math.ceil(Math.max(...places) + step),
          axisLabel: { color: colour('soft'), fontSize: 11, showMinLabel: false, showMaxLabel: false },
        }),
        yAxis: valueAxis('probability of the bin', false, { min: 0, max: Math.ceil(5 * highest) / 5, interval: 0.2 }),
        series: lines.map((line, index) =>
          lineSeries(line, styleOf(runs[index]), {
            symbol: 'circle',
            symbolSize: 5,
            ...(index === 0 && { markLine: truthLine(focus.truth.box[edge]) }),
          }),
        ),
      },
      SIZE,
    );
    const spreads = focus.boxes.map(
      ({ edges, step: pixels }, i) => `${titleOf(runs[i])} ${(spread(edges[edge]) * pixels).toFixed(1)}`,
    );
    return {
      title: `${title} edge`,
      ...SIZE,
      body,
      label: `${title} edge, standard deviation in pixels: ${spreads.join(', ')}`,
    };
  });
  return {
    id: 'profiles',
    title: 'One object, edge by edge',
    caption:
      `The four edges of the object that the picture above was chosen for (${classes[focus.truth.label]}): the probability of each bin at the pixel it stands for, ` +
      'a line a detector. A narrow peak is a sure edge, two peaks are two places where it could be; where the student with LD follows the ' +
      'teacher and the one without does not, LD has taught it the teacher’s doubt.',
    panels,
    columns: 4,
    legend: [
      ...runs.map((run) => lineEntry(titleOf(run), styleOf(run))),
      lineEntry('annotated edge', { color: colour('soft'), type: [2, 2] }),
    ],
  };
}

function truthLine(at: number): object {
  return {
    silent: true,
    symbol: 'none',
    label: { show: false },
    lineStyle: { color: colour('soft'), type: [2, 2], width: 2 },
    data: [{ xAxis: at }],
  };
}
