import { drawChart, errorBars, valueAxis } from '../chart.js';
import { type Colour, colour } from '../colours.js';
import type { Figure, Panel } from '../figure.js';
import { wrapped } from './names.js';

/** A method's two errors against its teacher. */
export interface MethodErrors {
  name: string;
  /** Runs (seeds) behind the means. */
  n: number;
  /** Mean and, with several runs, standard deviation; in strides. */
  localization: { mean: number; sd: number | null };
  /** Likewise, L1 of the class scores. */
  classification: { mean: number; sd: number | null };
}

const WIDTH = 520;
const ROW = 30;

/** Bars of the mean errors of each method against its teacher. */
export function agreementFigure(methods: readonly MethodErrors[]): Figure | null {
  if (methods.length === 0) return null;
  return {
    id: 'agreement',
    title: 'Agreement with the teacher',
    caption:
      'How far each method’s student is from its own teacher on the images of the evaluation, over the locations where the teacher sees an object: shorter ' +
      'is nearer. Left, the mean distance of the expected edges in strides; right, the mean L1 distance of the class scores. Lines: one standard deviation over the seeds, where there are several.',
    panels: [
      barPanel('Localization error', 'strides', 'distilled', methods, ({ localization }) => localization),
      barPanel(
        'Classification error',
        'L1 of class scores',
        'teacher',
        methods,
        ({ classification }) => classification,
      ),
    ],
    columns: 2,
    legend: [],
  };
}

function barPanel(
  title: string,
  unit: string,
  fill: Colour,
  methods: readonly MethodErrors[],
  of: (method: MethodErrors) => { mean: number; sd: number | null },
): Panel {
  const size = { width: WIDTH, height: 54 + ROW * methods.length };
  const rows = [...methods].reverse();
  const body = drawChart(
    {
      grid: { left: 196, right: 48, top: 6, bottom: 42 },
      xAxis: valueAxis(unit, true, { min: 0, splitLine: { show: true, lineStyle: { color: colour('line') } } }),
      yAxis: {
        type: 'category',
        data: rows.map(({ name }) => wrapped(name, 30)),
        axisLabel: { color: colour('ink'), fontSize: 12, lineHeight: 13 },
        axisLine: { lineStyle: { color: colour('soft') } },
        axisTick: { show: false },
      },
      series: [
        {
          type: 'bar',
          data: rows.map((method) => of(method).mean),
          color: colour(fill),
          barWidth: '62%',
          label: {
            show: true,
            position: 'insideLeft', // beyond the bar's end lies its deviation
            color: colour('paper'),
            fontSize: 11,
            distance: 8,
            formatter: ({ value }: { value: number }) => value.toFixed(3),
          },
          emphasis: { disabled: true },
        },
        errorBars(
          rows.flatMap((method, row): [number, number, number][] => {
            const { mean, sd } = of(method);
            return sd === null ? [] : [[row, mean - sd, mean + sd]];
          }),
          { color: colour('ink'), isHorizontal: true },
        ),
      ],
    },
    size,
  );
  const values = methods.map((method) => `${method.name} ${of(method).mean.toFixed(3)}`);
  return { title, ...size, body, label: `${title} in ${unit}: ${values.join(', ')}` };
}
