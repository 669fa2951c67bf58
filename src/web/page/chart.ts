import uPlot from 'uplot';
import { type Palette, paletteOf } from './palette.js';

const HEIGHT = 132;
/** That the axis shows from the start. */
const MIN_STEPS = 50;

export type Point = (number | null)[];

export interface Curve {
  label: string;
  stroke: (palette: Palette) => string;
  dash: number[];
}

export interface ChartOptions {
  curves: readonly Curve[];
  /** In percent, or as they are. */
  unit?: 'percent';
  /** Values so rare that each is a point of the line. */
  points?: boolean;
  /** What is greater leaves the chart at its upper edge. */
  top?: number;
}

/** A small chart over steps in an element of the page; new data are drawn at the next frame. */
export class Chart {
  readonly #host: HTMLElement;
  readonly #options: ChartOptions;
  #data: [number[], ...Point[]];
  #plot: uPlot | null = null;
  #frame = 0;

  constructor(host: HTMLElement, options: ChartOptions) {
    this.#host = host;
    this.#options = options;
    this.#data = [[], ...options.curves.map(() => [])];
    new ResizeObserver(() => this.#plot?.setSize({ width: host.clientWidth, height: HEIGHT })).observe(host);
    this.build();
  }

  /** Makes the plot anew, with the theme's colours. */
  build(): void {
    const { curves, points = false, top = Infinity } = this.#options;
    const palette = paletteOf(this.#host);
    this.#plot?.destroy();
    const axis: uPlot.Axis = {
      stroke: palette.faint,
      font: '11px system-ui, sans-serif',
      grid: { stroke: palette.line, width: 1 },
      ticks: { show: false },
    };
    const labels = (_self: uPlot, ticks: number[], _axis: number, _space: number, gap: number) =>
      ticks.map((tick) => this.#format(tick, gap));
    this.#plot = new uPlot(
      {
        width: this.#host.clientWidth || 320,
        height: HEIGHT,
        padding: [8, 8, 0, 0],
        legend: { show: false },
        cursor: { show: false },
        scales: {
          x: { time: false, range: (_self: uPlot, _first: number, last: number) => xRange(last) },
          y: { range: (_self: uPlot, low: number, high: number) => yRange(low, high, top) },
        },
        axes: [
          { ...axis, size: 22, space: 60 },
          { ...axis, size: 40, space: 28, values: labels },
        ],
        series: [
          {},
          ...curves.map(({ label, stroke, dash }) => ({
            label,
            stroke: stroke(palette),
            width: 2,
            dash,
            spanGaps: true,
            points: { show: points, size: 5, fill: stroke(palette) },
          })),
        ],
      },
      this.#data,
      this.#host,
    );
  }

  add(step: number, values: Point): void {
    this.#data[0].push(step);
    values.forEach((value, i) => {
      (this.#data[i + 1] as Point).push(value);
    });
    this.#draw();
  }

  clear(): void {
    this.#data = [[], ...this.#options.curves.map(() => [])];
    this.#draw();
  }

  #draw(): void {
    if (this.#frame) return;
    this.#frame = requestAnimationFrame(() => {
      this.#frame = 0;
      this.#plot?.setData(this.#data);
      this.#describe();
    });
  }

  /** For those who do not see the chart. */
  #describe(): void {
    const last = this.#options.curves.flatMap(({ label }, i) => {
      const value = (this.#data[i + 1] as Point).filter((each) => each !== null).at(-1);
      return value === undefined || value === null ? [] : [`${label} ${this.#format(value, 0.01)}`];
    });
    this.#host.setAttribute('aria-label', `${this.#host.dataset.title}: ${last.join(', ') || 'no values yet'}`);
  }

  /** @param gap to the next value that has to look different */
  #format(value: number, gap: number): string {
    const [shown, unit, step] = this.#options.unit === 'percent' ? [100 * value, ' %', 100 * gap] : [value, '', gap];
    return `${shown.toFixed(Math.max(0, Math.ceil(-Math.log10(step) - 1e-9)))}${unit}`;
  }
}

/** From the first step on; uPlot has no last one before there are values. */
function xRange(last: number | null): [number, number] {
  return [0, Math.max(last ?? 0, MIN_STEPS)];
}

/** From 0, or from what is least where that is far from it, with room above. */
function yRange(low: number | null, high: number | null, top: number): [number, number] {
  if (low === null || high === null) return [0, 1];
  if (top < Infinity) return [0, 1.08 * Math.min(high, top)];
  const span = Math.max(high - low, 0.1 * high, 0.02);
  return [low < 0.6 * high ? 0 : Math.max(0, Math.min(low, high - span) - 0.1 * span), high + 0.08 * span];
}
