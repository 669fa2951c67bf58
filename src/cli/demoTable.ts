import type { DetectorSize } from '../detector/config.js';
import { decimals, percent } from '../util/figures.js';
import { table } from './table.js';

/** One line of the demo's table. */
export interface DemoRow {
  run: string;
  size: DetectorSize;
  recipe: string;
  AP: number;
  AP50: number;
  AP75: number;
  /** Mean |expected edge − teacher's| in strides, where the teacher sees an object; null for the teacher. */
  localizationError: number | null;
}

/**
 * The demo's answer on the terminal.
 * @param rows the teacher, the student without localization distillation, the student with it
 */
export function describeDemo(rows: readonly DemoRow[], report: string | null, seconds: number): string {
  const heading = ['run', 'detector', 'recipe', 'AP', 'AP50', 'AP75', 'error to teacher'];
  const lines = rows.map(({ run, size, recipe, AP, AP50, AP75, localizationError }) => [
    run,
    size,
    recipe,
    ...[AP, AP50, AP75].map(percent),
    decimals(localizationError, 3),
  ]);
  return [
    table([heading, ...lines]),
    'AP in percent on generated images that no training saw. Error to teacher: mean difference of the expected edges in\nstrides, where the teacher sees an object.',
    conclusion(rows),
    ...(report === null ? [] : [`${report} shows the three nets.`]),
    `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`,
  ].join('\n\n');
}

/** What the table means, whichever way it went. */
export function conclusion(rows: readonly Pick<DemoRow, 'AP' | 'AP75' | 'localizationError'>[]): string {
  const [without, withLd] = rows.slice(-2);
  const points = (name: 'AP' | 'AP75') => 100 * (withLd[name] - without[name]);
  const signed = (value: number) => `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(1)}`;
  const verdict = points('AP') > 0 ? 'better' : 'no better';
  const [before, after] = [without.localizationError, withLd.localizationError];
  const edges =
    before === null || after === null || before === 0
      ? ''
      : `, its edges ${Math.abs(100 * (1 - after / before)).toFixed(0)} % ${after < before ? 'nearer to' : 'farther from'} the teacher's`;
  return `With localization distillation the same student is ${verdict}: AP ${signed(points('AP'))} points, AP75 ${signed(points('AP75'))}${edges}.`;
}
