import type { TermName } from '../../losses/headTerms.js';
import { type Figures, NETS, type NetName, STUDENTS, type StepTerms } from '../protocol.js';
import { Chart, type Curve } from './chart.js';

/** Of a running mean of the losses, per step: single batches are noisy. */
const SMOOTHING = 0.12;
/** Strides: a student starts some six off, and that would leave no room for what is to see. */
const FARTHEST = 1.2;

/** The terms that learn from the labels … */
const LABEL_TERMS: readonly TermName[] = ['loss_cls', 'loss_bbox', 'loss_dfl'];
/** … and what the student with LD learns from, as lines: name, dash. */
const LESSONS: readonly { label: string; terms: readonly TermName[]; dash: number[] }[] = [
  { label: 'LD', terms: ['loss_ld', 'loss_ld_vlr'], dash: [] },
  { label: 'teacher’s classes', terms: ['loss_kd'], dash: [8, 3] },
  { label: 'true boxes', terms: ['loss_bbox', 'loss_dfl'], dash: [3, 3] },
  { label: 'true classes', terms: ['loss_cls'], dash: [1, 3] },
];

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
    const lesson = ({ label, dash }: (typeof LESSONS)[number], i: number): Curve => ({
      label,
      dash,
      stroke: ({ nets, ink }) => (i === 0 ? nets.with : ink),
    });
    this.#losses = new Chart(host('losses'), { curves: NETS.map(net) });
    this.#lessons = new Chart(host('lessons'), { curves: LESSONS.map(lesson) });
    this.#precision = new Chart(host('precision'), { curves: NETS.map(net), unit: 'percent', points: true });
    this.#distance = new Chart(host('distance'), { curves: STUDENTS.map(net), points: true, top: FARTHEST });
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
      NETS.map((name) => {
        const AP = this.#figures[name]?.AP ?? -1; // COCO's −1: no objects to find
        return AP >= 0 ? AP : null;
      }),
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
