import sharp from 'sharp';
import { expect, test } from 'vitest';
import { standaloneSvg } from '../../src/report/export.js';
import { edgesFigure } from '../../src/report/figures/edges.js';
import { regionsFigure } from '../../src/report/figures/regions.js';
import { common, focusOf, intersectionOverUnion, spread } from '../../src/report/focus.js';
import { findMistakes } from '../../src/report/mistakes.js';
import { makeReport } from '../../src/report/report.js';
import type { RegionMaps } from '../../src/report/types.js';
import { CLASSES, edge, edgeBox, sampleData } from './sample.js';

test('every figure is a drawing of its own that other programs read, in both themes', async () => {
  const { figures } = makeReport(sampleData());
  for (const figure of figures)
    for (const theme of ['light', 'dark'] as const) {
      const svg = standaloneSvg(figure, theme);
      expect(svg).not.toMatch(/var\(--/);
      const { width, height } = await sharp(Buffer.from(svg)).metadata();
      expect(svg).toContain(`width="${width}" height="${height}"`);
      const { dominant } = await sharp(Buffer.from(svg)).extract({ left: 0, top: 0, width: 4, height: 4 }).stats();
      expect(dominant.r > 128).toBe(theme === 'light');
    }
});

test('the spread of a distribution is its standard deviation in bins', () => {
  expect(spread(edge(3))).toBe(0);
  expect(spread(edge(3, 2))).toBeCloseTo(0.5, 12);
  expect(spread(edge(0, 3))).toBeCloseTo(Math.sqrt(2 / 3), 12);
});

test('an object is in focus where every view finds it, and the first is least even about its edges', () => {
  const object = (x: number) => ({ box: [x, 0, x + 32, 32] as const, label: 0 });
  const found = (x: number, width: number, score = 0.5) => ({
    ...edgeBox(width, score),
    box: [x, 0, x + 32, 32] as const,
  });
  const truth = [object(0), object(100), object(200)];
  const views = [
    { run: 'a', boxes: [found(0, 2), found(100, 3), found(200, 5)], errors: null },
    {
      run: 'b',
      boxes: [found(0, 1), found(104, 1, 0.4), found(100, 1, 0.9), { ...found(200, 1), label: 1 }],
      errors: null,
    },
  ];
  const objects = common({ truth, views });
  expect(objects.map((one) => one.truth)).toEqual([truth[1], truth[0]]);
  expect(objects[0].contrast).toBeCloseTo(8 * Math.sqrt(2 / 3), 10);
  expect(objects[0].boxes[1].score).toBe(0.9);
  expect(focusOf({ truth, views })?.truth).toBe(truth[1]);
  expect(focusOf({ truth: [], views })).toBeUndefined();
});

test('a location is drawn where it regresses from; without a VLR there is no sign of one', () => {
  const { scene } = sampleData();
  const drawn = (regions: Partial<RegionMaps>) =>
    regionsFigure({ ...scene, regions: { ...scene.regions, ...regions } });
  const [corner, middle] = [0, 0.5].map(
    (centreOffset) => /<circle cx="([\d.]+)"/.exec(String(drawn({ centreOffset }).panels[0].body))!.map(Number)[1],
  );
  expect(corner).toBe(0);
  expect(middle).toBeCloseTo((0.5 * 8 * 400) / 96, 1); // half a cell of stride 8 on a picture of 96 pixels, 400 wide
  const none = drawn({ vlr: 'none', assigner: 'task-aligned' });
  expect([none.caption, ...none.legend.map(({ text }) => text)].join()).not.toMatch(/VLR/);
  expect(none.caption).toMatch(/task-aligned assignment .* what this run predicts/);
  expect(drawn({}).caption).toMatch(/the loss of distilled .* ATSS .* γ = 0\.25/);
});

test('without an object that all find there is no picture of edges', () => {
  const { scene, shown } = sampleData();
  expect(edgesFigure({ ...scene, truth: [] }, shown, CLASSES)).toBeNull();
});

test('a ridge reaches k strides from the location, and what a reader hears names its spread', () => {
  const { scene, shown } = sampleData();
  const figure = edgesFigure(scene, shown, CLASSES);
  // The teacher's left edge lies evenly on bins 2, 3 and 4: a standard deviation of √(2⁄3) strides.
  expect(figure?.panels[0].label).toContain('left 0.82, top 0, right 0, bottom 0');
  expect(figure?.panels[2].label).toContain('left 0, top 0');
});

test('overlap', () => {
  expect(intersectionOverUnion([0, 0, 2, 2], [1, 0, 3, 2])).toBeCloseTo(1 / 3, 12);
  expect(intersectionOverUnion([0, 0, 2, 2], [2, 0, 3, 2])).toBe(0);
});

test('mistakes: missed, false, a second box, badly placed, and nothing in a crowd', () => {
  const box = (x: number, label = 0, score = 0.5) => ({ box: [x, 0, x + 10, 10] as const, label, score });
  const truth = [box(0), box(100), box(200, 1)];
  const detections = [
    box(0, 0, 0.9), // right
    box(1, 0, 0.8), // a second one
    box(105, 0, 0.7), // IoU 1/3 with the second object
    box(300, 0, 0.6), // of nothing
    box(400, 0, 0.6), // in the crowd
  ];
  const { mistakes, right } = findMistakes(truth, detections, [[395, 0, 420, 20]]);
  expect(right).toEqual([detections[0]]);
  expect(mistakes.map(({ kind, box: [x] }) => [kind, x])).toEqual([
    ['missed', 200],
    ['false', 1],
    ['badly', 105],
    ['false', 300],
  ]);
});
