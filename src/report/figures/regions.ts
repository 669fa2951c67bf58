import { ASSIGNERS } from '../../regions/assigners.js';
import { colour } from '../colours.js';
import type { Figure, Panel } from '../figure.js';
import { tag } from '../markup.js';
import type { RegionMaps, Scene } from '../types.js';
import { type Frame, outlined, pictureIn, wholePicture } from './frame.js';

const WIDTH = 400;

/** Main region and VLR on the picture, as a run's head loss has them: a drawing for each level that has any of them. */
export function regionsFigure(scene: Scene): Figure {
  const frame = wholePicture(scene.picture, WIDTH);
  const { regions } = scene;
  const used = regions.levels.filter(({ main, valuable }) => main.some(Boolean) || valuable.some((v) => v > 0));
  const hasVlr = regions.vlr !== 'none';
  return {
    id: 'regions',
    title: 'Where distillation happens',
    caption:
      `Each mark is a location of a level, as the loss of ${regions.run} has it. Blue dots: the main region, the locations that ` +
      `${regions.assigner === 'given' ? 'the caller makes positive' : ASSIGNERS[regions.assigner].chosenBy}. ${hasVlr ? valuableText(regions) : ''}Levels without any are left out. Boxes: annotations.`,
    panels: used.map((level) => levelPanel(scene, frame, level)),
    columns: used.length,
    legend: [
      { text: 'main region', swatch: tag('circle', { cx: 14, cy: 7, r: 5, fill: colour('main') }) },
      ...(hasVlr
        ? [{ text: 'VLR', swatch: tag('rect', { x: 8, y: 1, width: 12, height: 12, fill: colour('valuable') }) }]
        : []),
    ],
  };
}

function valuableText({ vlr, gamma }: RegionMaps): string {
  const form = vlr === 'paper' ? `the paper’s text (γ·t ≤ DIoU ≤ t, γ = ${gamma})` : 'the authors’ code';
  return `Orange squares: the valuable localization region (VLR) round it by ${form}, the stronger the more weight (IoU of anchor and box). `;
}

function levelPanel(scene: Scene, frame: Frame, level: RegionMaps['levels'][number]): Panel {
  const { stride, width, main, valuable } = level;
  const step = (frame.scale * stride) / scene.picture.scale;
  const strongest = Math.max(...valuable, 1e-6);
  const { centreOffset, vlr } = scene.regions;
  const place = (index: number) =>
    [((index % width) + centreOffset) * step, (Math.floor(index / width) + centreOffset) * step] as const;
  const squares = valuable.map((value, index) => {
    if (!(value > 0) || main[index]) return '';
    const [x, y] = place(index);
    const side = 0.82 * step;
    const opacity = 0.35 + (0.6 * value) / strongest;
    return tag('rect', {
      x: x - side / 2,
      y: y - side / 2,
      width: side,
      height: side,
      fill: colour('valuable'),
      'fill-opacity': opacity,
    });
  });
  const dots = main.map((isMain, index) => {
    if (!isMain) return '';
    const [cx, cy] = place(index);
    return tag('circle', {
      cx,
      cy,
      r: Math.min(0.36 * step, 9),
      fill: colour('main'),
      stroke: colour('veil'),
      'stroke-width': 1,
    });
  });
  const count = {
    main: main.filter(Boolean).length,
    valuable: valuable.filter((value, i) => value > 0 && !main[i]).length,
  };
  const title = `Stride ${stride}: ${count.main} main${vlr === 'none' ? '' : `, ${count.valuable} VLR`}`;
  return {
    title,
    width: frame.width,
    height: frame.height,
    body: [pictureIn(frame, scene.picture), outlined(frame, scene.truth), squares, dots],
    label: `${title} locations of ${main.length}`,
  };
}
