import { LineChart } from 'echarts/charts';
import { GridComponent, LegendComponent, TitleComponent } from 'echarts/components';
import { init, use } from 'echarts/core';
import { SVGRenderer } from 'echarts/renderers';
import type { Curve } from './curves.js';
import type { Report } from './report.js';

use([LineChart, GridComponent, LegendComponent, TitleComponent, SVGRenderer]);

const TITLES: Record<Curve['axis'], { title: string; unit: string }> = {
  batch: { title: 'Batch', unit: 'images a step' },
  image: { title: 'Image size', unit: 'pixels a side' },
  boxes: { title: 'Objects', unit: 'boxes an image' },
  bins: { title: 'Bins', unit: 'bins an edge' },
};

const WIDTH = 960;
const HEIGHT = 780;
const COLUMNS = 2;
const PANEL = { width: 380, height: 220, left: 70, top: 155, across: 470, down: 330 };

/** The curves as one picture of small multiples: time of the head loss, and of a copy of the bytes that it has to move. */
export function drawCurves({ adapter, date, cores }: Report, curves: readonly Curve[]): string {
  const chart = init(null, null, { renderer: 'svg', ssr: true, width: WIDTH, height: HEIGHT });
  const panels = curves.map(({ axis }, index) => ({
    ...TITLES[axis],
    left: PANEL.left + PANEL.across * (index % COLUMNS),
    top: PANEL.top + PANEL.down * Math.floor(index / COLUMNS),
  }));
  const lines = [
    { name: 'head loss', color: '#1f5fa8', key: 'ms' },
    { name: 'copy of the same bytes', color: '#c8742a', key: 'copyMs' },
  ] as const;
  chart.setOption({
    animation: false,
    backgroundColor: '#ffffff',
    title: [
      {
        text: 'Head loss with gradients, milliseconds',
        subtext: `${adapter}, ${cores} CPU cores, ${date}\nUnless varied: 8 images of 640×640, 10 boxes an image, 80 classes, 17 bins`,
        subtextStyle: { lineHeight: 17 },
        left: 20,
        top: 14,
      },
      ...panels.map(({ title, left, top }) => ({ text: title, left, top: top - 50, textStyle: { fontSize: 14 } })),
    ],
    legend: { data: lines.map(({ name }) => name), right: 20, top: 14 },
    grid: panels.map(({ left, top }) => ({ left, top, width: PANEL.width, height: PANEL.height })),
    xAxis: panels.map(({ unit }, gridIndex) => ({
      gridIndex,
      type: 'value',
      min: 0,
      name: unit,
      nameLocation: 'middle',
      nameGap: 28,
      splitLine: { show: false },
    })),
    yAxis: panels.map((_, gridIndex) => ({ gridIndex, type: 'value', min: 0, name: 'ms', nameGap: 8 })),
    series: curves.flatMap(({ points }, index) =>
      lines.map(({ name, color, key }) => ({
        name,
        type: 'line',
        xAxisIndex: index,
        yAxisIndex: index,
        color,
        symbol: 'circle',
        symbolSize: 6,
        data: points.map((point) => [point.value, point[key]]),
      })),
    ),
  });
  const svg = chart.renderToSVGString();
  chart.dispose();
  return `${svg}\n`;
}
