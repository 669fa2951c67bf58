import { decimals, percent } from '../../util/figures.js';
import { html } from '../markup.js';
import type { Section } from '../page.js';
import type { RunSummary } from '../types.js';
import { renderTable } from './table.js';

const READING =
  'APs, APm and APl are those of small, medium and large objects. Localization error is the mean distance of the expected edges from the ' +
  'teacher’s, in strides, classification error the mean L1 distance of the class scores, where the teacher sees an object.';
const PRECISIONS = ['AP', 'AP50', 'AP75', 'APs', 'APm', 'APl'];

/** Every run with its measures. */
export function runsSection(runs: readonly RunSummary[]): Section {
  const rows = runs.map(({ name, role, size, parameters, recipe, seed, measures: { stats, agreement } }) => [
    {
      text: name,
      below: `${role === 'detector' ? '' : `${role}, `}${size}, ${(parameters / 1e6).toFixed(2)} M, ${recipe}, seed ${seed}`,
    },
    ...PRECISIONS.map((figure) => percent(stats[figure])),
    ...(['localizationError', 'classificationError'] as const).map((key) =>
      decimals(agreement && agreement.all.locations > 0 ? agreement.all[key] : null, 3),
    ),
  ]);
  const head = ['run', ...PRECISIONS, 'localization error', 'classification error'];
  return {
    id: 'runs',
    title: 'The runs and their measures',
    content: html`${renderTable('COCO average precision in percent, and distance to the teacher', head, rows)}<p>${READING}</p>`,
  };
}
