import { type Colour, colour } from '../colours.js';
import type { Figure, Panel } from '../figure.js';
import { tag } from '../markup.js';
import type { Mistake, ReportData } from '../types.js';
import { outline, pictureIn, wholePicture } from './frame.js';

const WIDTH = 400;

const KINDS: Record<Mistake['kind'], { colour: Colour; dashes: string | undefined; text: string }> = {
  missed: { colour: 'missed', dashes: '7 4', text: 'missed: an object that no box finds' },
  false: { colour: 'false', dashes: '2 3', text: 'false: a box where no such object is' },
  badly: { colour: 'badly', dashes: undefined, text: 'badly placed: IoU 0.1 to 0.5 with its object' },
};

/** The images on which a detector errs most. */
export function worstFigure(worst: ReportData['worst'], classes: readonly string[]): Figure | null {
  if (!worst || worst.images.length === 0) return null;
  const panels = worst.images.map(({ picture, mistakes, right }): Panel => {
    const frame = wholePicture(picture, WIDTH);
    const count = (kind: Mistake['kind']) => mistakes.filter((one) => one.kind === kind).length;
    const title = `${picture.name}: ${count('missed')} missed, ${count('false')} false, ${count('badly')} badly placed`;
    return {
      title,
      width: frame.width,
      height: frame.height,
      body: [
        pictureIn(frame, picture),
        ...right.map(({ box }) =>
          outline(frame, box, { stroke: colour('ink'), 'stroke-width': 0.8, 'stroke-opacity': 0.6 }),
        ),
        ...mistakes.flatMap(({ kind, box }) => {
          const style = { 'stroke-dasharray': KINDS[kind].dashes };
          return [
            outline(frame, box, { ...style, stroke: colour('veil'), 'stroke-width': 4.5, 'stroke-opacity': 0.8 }),
            outline(frame, box, { ...style, stroke: colour(KINDS[kind].colour), 'stroke-width': 2.5 }),
          ];
        }),
      ],
      label: `${title}. ${mistakes.map(({ kind, label }) => `${kind}: ${classes[label]}`).join(', ')}`,
    };
  });
  return {
    id: 'worst',
    title: 'The images with most errors',
    caption:
      `Detections of ${worst.run.name} with a score above 0.3. Thick lines are errors, told apart by colour and by line; thin lines are boxes that are right ` +
      '(IoU at least 0.5 with an object of their class). A false box may also be a second one on the same object, or an object that nobody annotated. ' +
      'Errors as in TIDE (Bolya et al., ECCV 2020).',
    panels,
    columns: 3,
    legend: Object.values(KINDS).map(({ colour: name, dashes, text }) => ({
      text,
      swatch: tag('rect', {
        x: 3,
        y: 1.5,
        width: 22,
        height: 11,
        fill: 'none',
        stroke: colour(name),
        'stroke-width': 2.5,
        'stroke-dasharray': dashes,
      }),
    })),
  };
}
