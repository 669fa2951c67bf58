import { type Colour, colour } from '../colours.js';
import type { Figure, LegendEntry, Panel } from '../figure.js';
import { common, type Found, focusOf, spread } from '../focus.js';
import { type Content, polygon, short } from '../markup.js';
import type { Box, EdgeBox, RunSummary, Scene } from '../types.js';
import { type Frame, frameAround, outline, overlaps, pictureIn, textOn } from './frame.js';
import { detailsOf, titleOf } from './names.js';

/** Units of a panel's width. */
const WIDTH = 340;
const ASPECT = 4 / 3;
/** Pixels of the frame round the object in focus, in its own sides. */
const AROUND = 3.6;
/** Units from a ridge's axis to its crest at probability 1. */
const CREST = 60;
const LINE = { stroke: colour('ink'), 'stroke-width': 1.2, 'stroke-opacity': 0.9 };
/** Bins of lower probability are not drawn. */
const LEAST = 0.01;

/** Upper bounds of an edge's standard deviation in strides, and the colour below each. */
const SPREADS: readonly [number, Colour][] = [
  [0.6, 'spread0'],
  [0.8, 'spread1'],
  [1.1, 'spread2'],
  [1.5, 'spread3'],
  [Number.POSITIVE_INFINITY, 'spread4'],
];

/**
 * The picture with predicted boxes whose edges carry their distributions: one panel a detector.
 * @param runs those of the scene's views, in their order
 * @param classes names
 * @returns null where no object is found by all of them
 */
export function edgesFigure(scene: Scene, runs: readonly RunSummary[], classes: readonly string[]): Figure | null {
  const focus = focusOf(scene);
  if (!focus) return null;
  const frame = frameOf(focus.truth.box, scene);
  const chosen = apart(common(scene), frame);
  const panels = scene.views.map((view, index): Panel => {
    const carriers = chosen.map(({ boxes }) => boxes[index]);
    const others = view.boxes.filter((one) => !carriers.includes(one) && !hidden(one, carriers));
    const title = titleOf(runs[index]);
    return {
      title,
      width: frame.width,
      height: frame.height,
      body: [
        pictureIn(frame, scene.picture),
        ...others.map(({ box }) => outline(frame, box, { ...LINE, 'stroke-opacity': 0.45, 'stroke-dasharray': '3 3' })),
        ...carriers.flatMap((one) => one.edges.map((_, edge) => ridge(frame, one, edge))),
        ...carriers.map(({ box }) => outline(frame, box, LINE)),
        ...carriers.map(({ box, label, score }) =>
          textOn(frame, (box[0] + box[2]) / 2, (box[1] + box[3]) / 2, `${classes[label]} ${score.toFixed(2)}`),
        ),
      ],
      label: `${title}: ${carriers.map((one) => describe(one, classes)).join('; ')}`,
    };
  });
  return {
    id: 'edges',
    title: 'What each edge says',
    caption:
      'Across each edge of a box lies its distribution: at every place the ridge is as wide as the edge is likely to be there (bin k lies k strides ' +
      'from the location that predicts the box). A thin blue ridge along the line is a sharp edge; a long or forked orange one across it could be ' +
      'in several places. Localization distillation teaches the student these shapes, not only the lines. Ridges: objects that every detector ' +
      `finds; dashed: all other boxes. ${detailsOf(runs)} ${scene.rule}`,
    panels,
    columns: panels.length,
    legend: SPREADS.map(([bound, name], index) => spreadEntry(name, SPREADS[index - 1]?.[0] ?? 0, bound)),
  };
}

function spreadEntry(name: Colour, from: number, to: number): LegendEntry {
  const half = Math.min(1 / (0.35 + from), 1.4) * 5;
  const long = 3 + 6 * from;
  const points = [[14 - long, 7] as const, [14, 7 - half] as const, [14 + long, 7] as const, [14, 7 + half] as const];
  const text = from === 0 ? `below ${to}` : to === Number.POSITIVE_INFINITY ? `above ${from}` : `${from} – ${to}`;
  return { text: from === 0 ? `spread in strides: ${text}` : text, swatch: polygon(points, { fill: colour(name) }) };
}

/** A frame of the panel's aspect around a box, inside the picture if that is large enough. */
function frameOf([x1, y1, x2, y2]: Box, { picture }: Scene): Frame {
  const wanted = AROUND * Math.max(x2 - x1, (y2 - y1) * ASPECT);
  const width = Math.min(wanted, picture.width, picture.height * ASPECT);
  const height = width / ASPECT;
  const place = (middle: number, size: number, all: number) => Math.min(Math.max(middle - size / 2, 0), all - size);
  const left = place((x1 + x2) / 2, width, picture.width);
  const top = place((y1 + y2) / 2, height, picture.height);
  return frameAround([left, top, left + width, top + height], WIDTH);
}

/** Those inside the frame, the most telling first, that do not overlap one chosen before. */
function apart(found: Found[], frame: Frame): Found[] {
  const chosen: Found[] = [];
  for (const one of found) {
    const isInside = one.boxes.every(({ box }) => frame.holds(box));
    const isFree = chosen.every((other) =>
      one.boxes.every(({ box }, i) => !overlaps(grown(box, one.boxes[i].step), other.boxes[i].box)),
    );
    if (isInside && isFree) chosen.push(one);
  }
  return chosen;
}

function grown([x1, y1, x2, y2]: Box, by: number): Box {
  return [x1 - by, y1 - by, x2 + by, y2 + by];
}

/** Whether a box would be a second outline of one that carries its edges. */
function hidden({ box }: EdgeBox, carriers: EdgeBox[]): boolean {
  return carriers.some((one) => box.every((value, i) => Math.abs(value - one.box[i]) < one.step));
}

/** The distribution of an edge across its middle: a violin whose long axis is perpendicular to the edge. */
function ridge(frame: Frame, { box, centre, step, edges }: EdgeBox, edge: number): Content {
  const distribution = edges[edge];
  const isUpright = edge % 2 === 1;
  const sign = edge < 2 ? -1 : 1;
  const middle = isUpright ? frame.x((box[0] + box[2]) / 2) : frame.y((box[1] + box[3]) / 2);
  const crests = distribution
    .map((p, k) => ({ at: (isUpright ? centre[1] : centre[0]) + sign * k * step, height: CREST * p, p }))
    .filter(({ p }) => p >= LEAST);
  if (crests.length === 0) return '';
  const end = (crest: { at: number }, by: number) => ({ at: crest.at + sign * by * step, height: 0 });
  const outlined = [end(crests[0], -0.6), ...crests, end(crests[crests.length - 1], 0.6)];
  const points = [
    ...outlined.map(({ at, height }) => [at, middle - height] as const),
    ...outlined.reverse().map(({ at, height }) => [at, middle + height] as const),
  ].map(([at, across]) => (isUpright ? ([across, frame.y(at)] as const) : ([frame.x(at), across] as const)));
  return polygon(points, {
    fill: colour(SPREADS.find(([bound]) => spread(distribution) < bound)?.[1] ?? 'spread4'),
    'fill-opacity': 0.88,
    stroke: colour('veil'),
    'stroke-width': 1.2,
    'stroke-linejoin': 'round',
  });
}

function describe({ label, score, edges }: EdgeBox, classes: readonly string[]): string {
  const spreads = edges.map((edge, i) => `${['left', 'top', 'right', 'bottom'][i]} ${short(spread(edge))}`);
  return `${classes[label]}, score ${score.toFixed(2)}, spread of the edges in strides: ${spreads.join(', ')}`;
}
