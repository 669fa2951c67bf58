import { cividis } from '../colours.js';
import type { Figure, LegendEntry, Panel } from '../figure.js';
import { short, tag } from '../markup.js';
import type { LevelMap, RunSummary, Scene } from '../types.js';
import { type Frame, outlined, wholePicture } from './frame.js';
import { detailsOf, titleOf } from './names.js';

const WIDTH = 400;
/** Share of the cells that the colour scale covers; the few above have its last colour. */
const COVERED = 0.98;
const LEGEND_STEPS = 5;

/** Maps of each student's distance from the teacher: a row a student, a drawing a level. */
export function errorMapsFigure(scene: Scene, runs: readonly RunSummary[]): Figure | null {
  const compared = scene.views.flatMap(({ errors }, index) => (errors ? [{ run: runs[index], errors }] : []));
  if (compared.length === 0) return null;
  const frame = wholePicture(scene.picture, WIDTH);
  const sorted = compared.flatMap(({ errors }) => errors.flatMap(({ values }) => values)).sort((a, b) => a - b);
  const highest = Math.max(sorted[Math.floor(COVERED * (sorted.length - 1))], 1e-6);
  return {
    id: 'error-maps',
    title: 'Where the student differs from the teacher',
    caption:
      'Localization error at every location of a level: the mean over the four edges of the distance between the student’s and the ' +
      'teacher’s expected edge, in strides. Dark is agreement, yellow disagreement; all maps share one scale. White boxes: annotations. ' +
      'With LD the maps should be darker, first of all inside and near the boxes: far from them no loss asks either detector for a box. ' +
      detailsOf(compared.map(({ run }) => run)),
    panels: compared.flatMap(({ run, errors }) => errors.map((map) => mapPanel(scene, frame, run, map, highest))),
    columns: compared[0].errors.length,
    legend: Array.from({ length: LEGEND_STEPS }, (_, i): LegendEntry => {
      const share = i / (LEGEND_STEPS - 1);
      const isLast = i === LEGEND_STEPS - 1;
      return {
        text: `${isLast ? '≥ ' : ''}${(share * highest).toFixed(2)}${isLast ? ' strides' : ''}`,
        swatch: tag('rect', { width: 28, height: 14, fill: cividis(share) }),
      };
    }),
  };
}

function mapPanel(scene: Scene, frame: Frame, run: RunSummary, map: LevelMap, highest: number): Panel {
  const { stride, width, values } = map;
  const step = (frame.scale * stride) / scene.picture.scale;
  const cells = values.map((value, index) => {
    const [x, y] = [(index % width) * step, Math.floor(index / width) * step];
    // Half a unit more than the cell hides the seams between neighbours.
    return tag('rect', { x, y, width: step + 0.5, height: step + 0.5, fill: cividis(value / highest) });
  });
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const title = `${titleOf(run)}, stride ${stride}`;
  return {
    title,
    width: frame.width,
    height: frame.height,
    body: [tag('g', { 'shape-rendering': 'crispEdges' }, cells), outlined(frame, scene.truth, '#ffffff')],
    label: `${title}: mean error ${short(mean)} strides over ${values.length} locations`,
  };
}
