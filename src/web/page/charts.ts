import uPlot from 'uplot';
import type { TermName } from '../../losses/headLoss.js';
import { type Figures, NETS, type NetName, STUDENTS, type StepTerms } from '../protocol.js';
import { type Palette, paletteOf } from './palette.js';

/** Of a running mean of the losses, per step: single batches are noisy. */
const SMOOTHING = 0.12;
const HEIGHT = 132;
/** That the axis shows from the start. */
const FEWEST_STEPS = 50;
/** A line of so few is drawn with its points. */
const FEW_POINTS = 40;

/** The terms that learn from the labels … */
const LABEL_TERMS: readonly TermName[] = ['loss_cls', 'loss_bbox', 'loss_dfl'];
/** … and what the student with LD learns from, as lines: name, dash. */
const LESSONS: readonly { label: string; terms: readonly TermName[]; dash: number[] }[] = [
  { label: 'LD', terms: ['loss_ld', 'loss_ld_vlr'], dash: [] },
  { label: 'teacher’s classes', terms: ['loss_kd'], dash: [8, 3] },
  { label: 'true boxes', terms: ['loss_bbox', 'loss_dfl'], dash: [3, 3] },
  { label: 'true classes', terms: ['loss_cls'], dash: [1, 3] },
];

type Point = (number | null)[];

interface Curve {
  label: string;
  stroke: (palette: Palette) => string;
  dash: number[];
}

/** A small chart over steps in an element of the page; `data` is drawn at the next frame. */
class Chart {
  readonly #host: HTMLElement;
  readonly #curves: readonly Curve[];
  readonly #format: (value: number) => string;
  #data: [number[], ...Point[]];
  #plot: uPlot | null = null;
  #frame = 0;

  constructor(host: HTMLElement, curves: readonly Curve[], format: (value: number) => string) {
    this.#host = host;
    this.#curves = curves;
    this.#format = format;
    this.#data = [[], ...curves.map(() => [])];
    new ResizeObserver(() => this.#plot?.setSize({ width: host.clientWidth, height: HEIGHT })).observe(host);
    this.build();
  }

  /** Makes the plot anew, with the theme's colours. */
  build(): void {
    const palette = paletteOf(this.#host);
    this.#plot?.destroy();
    const axis: uPlot.Axis = {
      stroke: palette.faint,
      font: '11px system-ui, sans-serif',
      grid: { stroke: palette.line, width: 1 },
      ticks: { show: false },
    };
    this.#plot = new uPlot(
      {
        width: this.#host.clientWidth || 320,
        height: HEIGHT,
        padding: [8, 8, 0, 0],
        legend: { show: false },
        cursor: { show: false },
        scales: {
          x: { time: false, range: (_self: uPlot, _first: number, last: number) => xRange(last) },
          y: { range: (_, low, high) => yRange(low, high) },
        },
        axes: [
          { ...axis, size: 22, space: 60 },
          { ...axis, size: 40, space: 28, values: (_, ticks) => ticks.map(this.#format) },
        ],
        series: [
          {},
          ...this.#curves.map(({ label, stroke, dash }) => ({
            label,
            stroke: stroke(palette),
            width: 2,
            dash,
            spanGaps: true,
            points: {
              show: (_self: uPlot, _series: number, first: number, last: number) => last - first < FEW_POINTS,
              size: 5,
            },
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
    this.#data = [[], ...this.#curves.map(() => [])];
    this.#draw();
  }

  /** For those who do not see the chart. */
  describe(): void {
    const last = this.#curves.flatMap(({ label }, i) => {
      const value = (this.#data[i + 1] as Point).filter((each) => each !== null).at(-1);
      return value === undefined || value === null ? [] : [`${label} ${this.#format(value)}`];
    });
    this.#host.setAttribute('aria-label', `${this.#host.dataset.title}: ${last.join(', ') || 'no values yet'}`);
  }

  #draw(): void {
    if (this.#frame) return;
    this.#frame = requestAnimationFrame(() => {
      this.#frame = 0;
      this.#plot?.setData(this.#data);
      this.describe();
    });
  }
}

/** The charts of a training: losses on the labels, lessons of the student with LD, AP, distance to the teacher. */
export class Charts {
  readonly #losses: Chart;
  readonly #lessons: Chart;
  readonly #precision: Chart;
  readonly #distance: Chart;
  #means: number[] = [];
  #figures: Partial<Record<NetName, Figures>> = {};

  constructor(host: (name: string) => HTMLElement) {
    const net = (name: NetName): Curve => ({
      label: { teacher: 'teacher', with: 'with LD', without: 'without LD' }[name],
      stroke: ({ nets }) => nets[name],
      dash: name === 'without' ? [6, 4] : [],
    });
    const fixed = (value: number) => value.toFixed(value < 1 ? 2 : 1);
    const percent = (value: number) => `${Math.round(100 * value)} %`;
    this.#losses = new Chart(host('losses'), NETS.map(net), fixed);
    const lesson = ({ label, dash }: (typeof LESSONS)[number], i: number): Curve => ({
      label,
      dash,
      stroke: ({ nets, ink }) => (i === 0 ? nets.with : ink),
    });
    this.#lessons = new Chart(host('lessons'), LESSONS.map(lesson), fixed);
    this.#precision = new Chart(host('precision'), NETS.map(net), percent);
    this.#distance = new Chart(host('distance'), STUDENTS.map(net), fixed);
  }

  /** @param last number of the last of these steps */
  addSteps(last: number, terms: readonly StepTerms[]): void {
    terms.forEach((step, i) => {
      const sum = (net: NetName, names: readonly TermName[]) => {
        const own = step[net];
        return own ? names.reduce((total, name) => total + own[name], 0) : null;
      };
      const values = [
        ...NETS.map((name) => sum(name, LABEL_TERMS)),
        ...LESSONS.map((lesson) => sum('with', lesson.terms)),
      ];
      // A running mean that starts as a plain one, so that the first values are not held back.
      const share = Math.max(SMOOTHING, 1 / (last - terms.length + i + 1));
      this.#means = values.map((value, k) => (1 - share) * (this.#means[k] ?? 0) + share * (value ?? 0));
      const means = this.#means.map((mean, k) => (values[k] === null ? null : mean));
      const at = last - terms.length + 1 + i;
      this.#losses.add(at, means.slice(0, NETS.length));
      this.#lessons.add(at, means.slice(NETS.length));
    });
  }

  /** Figures come net by net; those of a step are drawn once the last is there. */
  addFigures(step: number, figures: Partial<Record<NetName, Figures>>): void {
    this.#figures = { ...this.#figures, ...figures };
    if (!figures.without) return;
    this.#precision.add(
      step,
      NETS.map((name) => this.#figures[name]?.AP ?? null),
    );
    this.#distance.add(
      step,
      STUDENTS.map((name) => this.#figures[name]?.error ?? null),
    );
  }

  clear(): void {
    this.#means = [];
    this.#figures = {};
    for (const chart of this.#all) chart.clear();
  }

  recolour(): void {
    for (const chart of this.#all) chart.build();
  }

  get #all(): Chart[] {
    return [this.#losses, this.#lessons, this.#precision, this.#distance];
  }
}

/** From the first step on; uPlot has no last one before there are values. */
function xRange(last: number | null): [number, number] {
  return [0, Math.max(last ?? 0, FEWEST_STEPS)];
}

/** From 0, or from what is least where that is far from it, with room above. */
function yRange(low: number | null, high: number | null): [number, number] {
  if (low === null || high === null) return [0, 1];
  const span = Math.max(high - low, 0.1 * high, 0.02);
  return [low < 0.6 * high ? 0 : Math.max(0, low - 0.1 * span), high + 0.08 * span];
}
