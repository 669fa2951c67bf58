import { colour } from '../colours.js';
import type { Figure, Panel } from '../figure.js';
import { tag } from '../markup.js';
import type { RegionMaps, Scene } from '../types.js';
import { type Frame, outlined, pictureIn, wholePicture } from './frame.js';

const WIDTH = 400;

/** Main region and VLR on the picture: a row for each form of the VLR, a drawing for each level that has any of them. */
export function regionsFigure(scene: Scene): Figure {
  const frame = wholePicture(scene.picture, WIDTH);
  const isUsed = scene.regions[0].levels.map((_, level) =>
    scene.regions.some(({ levels }) => levels[level].main.some(Boolean) || levels[level].valuable.some((v) => v > 0)),
  );
  const panels = scene.regions.flatMap(({ variant, levels }) =>
    levels.filter((_, level) => isUsed[level]).map((level) => levelPanel(scene, frame, variant, level)),
  );
  return {
    id: 'regions',
    title: 'Where distillation happens',
    caption:
      'Each mark is a location of a level. Blue dots: the main region, the locations that the assigner makes positive. Orange squares: the ' +
      'valuable localization region (VLR) round it, the stronger the more weight (IoU of anchor and box). Rows: the VLR by the paper’s text ' +
      `(γ·t ≤ DIoU ≤ t) and by the authors’ code, here with γ = ${scene.regions[0].gamma}. ` +
      'Levels without any are left out. Boxes: annotations.',
    panels,
    columns: isUsed.filter(Boolean).length,
    legend: [
      { text: 'main region', swatch: tag('circle', { cx: 14, cy: 7, r: 5, fill: colour('main') }) },
      { text: 'VLR', swatch: tag('rect', { x: 8, y: 1, width: 12, height: 12, fill: colour('valuable') }) },
    ],
  };
}

function levelPanel(scene: Scene, frame: Frame, variant: string, level: RegionMaps['levels'][number]): Panel {
  const { stride, width, main, valuable } = level;
  const step = (frame.scale * stride) / scene.picture.scale;
  const strongest = Math.max(...valuable, 1e-6);
  // Anchors are centred on the cells' corners in the reference, so that is where a location is drawn.
  const place = (index: number) => [(index % width) * step, Math.floor(index / width) * step] as const;
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
  const title = `${variant}, stride ${stride}: ${count.main} main, ${count.valuable} VLR`;
  return {
    title,
    width: frame.width,
    height: frame.height,
    body: [pictureIn(frame, scene.picture), outlined(frame, scene.truth), squares, dots],
    label: `${title} locations of ${main.length}`,
  };
}
