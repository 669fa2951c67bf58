import { BarChart, CustomChart, LineChart } from 'echarts/charts';
import { GridComponent, MarkLineComponent } from 'echarts/components';
import { type EChartsCoreOption, init, use } from 'echarts/core';
import { SVGRenderer } from 'echarts/renderers';
import { readable, readableLines } from '../util/readable.js';
import { colour } from './colours.js';
import type { LegendEntry } from './figure.js';
import { type Markup, tag, trusted } from './markup.js';

use([BarChart, CustomChart, LineChart, GridComponent, MarkLineComponent, SVGRenderer]);

export const FONT = "'Helvetica Neue', Arial, 'Liberation Sans', sans-serif";

/** Units of a chart, unless it says otherwise. */
const CHART = { width: 400, height: 260 };

/** Colour and dashes of a line: colour alone must not tell lines apart. */
export interface LineStyle {
  color: string;
  type: 'solid' | 'dashed' | 'dotted' | number[];
}

/** Draws a chart without a document; returns the inside of its SVG. Axes and grid take the page's colours. */
export function drawChart(option: EChartsCoreOption, { width, height } = CHART): Markup {
  const chart = init(null, null, { renderer: 'svg', ssr: true, width, height });
  chart.setOption({
    animation: false,
    textStyle: { fontFamily: FONT, fontSize: 12, color: colour('ink') },
    grid: { left: 54, right: 14, top: 26, bottom: 44 },
    ...option,
  });
  const svg = chart.renderToSVGString();
  chart.dispose();
  // ECharts escapes markup in texts, and leaves control characters.
  return trusted(readableLines(svg.replace(/^<svg[^>]*>/, '').replace(/<\/svg>\s*$/, '')));
}

/** A numeric axis. @param name with its unit */
export function valueAxis(name: string, isHorizontal: boolean, more: object = {}): object {
  return {
    type: 'value',
    name: readable(name),
    nameLocation: isHorizontal ? 'middle' : 'end',
    nameGap: isHorizontal ? 26 : 10,
    nameTextStyle: { color: colour('soft'), fontSize: 12, align: isHorizontal ? 'center' : 'left' },
    axisLabel: { color: colour('soft'), fontSize: 11, hideOverlap: true },
    axisLine: { show: isHorizontal, lineStyle: { color: colour('soft') } },
    axisTick: { show: isHorizontal, lineStyle: { color: colour('soft') } },
    splitLine: { show: !isHorizontal, lineStyle: { color: colour('line') } },
    splitNumber: 4,
    ...more,
  };
}

/** Ends of an axis that holds a range, whole multiples of a step of 1, 2 or 5 times a power of ten: some four steps. */
export function niceRange(low: number, high: number): { min: number; max: number; interval: number } {
  const rough = (high > low ? high - low : Math.abs(high) || 1) / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const interval = power * ([1, 2, 5].find((factor) => factor * power >= 0.999 * rough) ?? 10);
  const at = (value: number) => Number((value * interval).toPrecision(6));
  // Not a step more for what only rounding puts beyond one.
  return { min: at(Math.floor(low / interval + 1e-6)), max: at(Math.ceil(high / interval - 1e-6)), interval };
}

/** A line through points [x, y]. */
export function lineSeries(
  data: readonly (readonly number[])[],
  { color, type }: LineStyle,
  more: object = {},
): object {
  return {
    type: 'line',
    data,
    color,
    lineStyle: { color, type, width: 2 },
    symbol: data.length > 40 ? 'none' : 'circle',
    symbolSize: 4,
    emphasis: { disabled: true },
    ...more,
  };
}

/**
 * Error bars [place, low, high]: the place on the horizontal axis and the bounds on the vertical one, or the other way round
 * for bars that lie.
 */
export function errorBars(
  data: readonly (readonly [number, number, number])[],
  { color, isHorizontal = false }: { color: string; isHorizontal?: boolean },
): object {
  return {
    type: 'custom',
    data,
    // Otherwise the second value would be taken for the vertical one.
    encode: isHorizontal ? { x: [1, 2], y: 0 } : { x: 0, y: [1, 2] },
    silent: true,
    z: 5,
    renderItem: (_: unknown, api: { value(i: number): number; coord(point: number[]): number[] }) => {
      const at = (bound: number) => api.coord(isHorizontal ? [bound, api.value(0)] : [api.value(0), bound]);
      const [low, high] = [at(api.value(1)), at(api.value(2))];
      const [dx, dy] = isHorizontal ? [0, 4] : [4, 0];
      const line = ([x1, y1]: number[], [x2, y2]: number[]) => ({
        type: 'line',
        shape: { x1, y1, x2, y2 },
        style: { stroke: color, lineWidth: 1.5 },
      });
      const end = ([x, y]: number[]) => line([x - dx, y - dy], [x + dx, y + dy]);
      return { type: 'group', children: [line(low, high), end(low), end(high)] };
    },
  };
}

/** The legend's entry of a line. */
export function lineEntry(text: string, { color, type }: LineStyle): LegendEntry {
  const dashes = Array.isArray(type) ? type.join(' ') : { solid: undefined, dashed: '6 4', dotted: '2 3' }[type];
  const line = tag('line', {
    x1: 0,
    y1: 7,
    x2: 28,
    y2: 7,
    stroke: color,
    'stroke-width': 2.5,
    'stroke-dasharray': dashes,
  });
  return { text, swatch: line };
}
