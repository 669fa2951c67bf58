import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { measureCurves } from '../../bench/curves.js';
import { drawCurves } from '../../bench/figure.js';
import type { Plan } from '../../bench/measure.js';
import type { Peer } from '../../bench/peers/index.js';
import { beginReport, formatMarkdown, formatReport } from '../../bench/report.js';
import { convolutionRows } from '../../bench/rows/convolution.js';
import { denseRowsRow } from '../../bench/rows/denseRows.js';
import { groupNormRow } from '../../bench/rows/groupNorm.js';
import { headLossRow } from '../../bench/rows/headLoss.js';
import { listsRow, mapsRow } from '../../bench/rows/regions.js';
import { trainStepRow } from '../../bench/rows/trainStep.js';
import { runBench } from '../../bench/run.js';
import * as devices from '../../src/tensor/device.js';
import { sharedDevice } from '../device.js';

const SCENE = { batch: 1, image: 64, boxes: 2, classes: 3, bins: 17 };
const STEP = { batch: 1, classes: 3, width: 64, height: 64, boxes: 2 };
const LEVELS = [{ height: 6, width: 8 }];
const ROWS = [
  headLossRow('head-loss', SCENE),
  headLossRow('head-loss-yolov8', { ...SCENE, strides: [8, 16], recipe: 'yolov8+ld' }),
  listsRow('regions', SCENE),
  mapsRow('regions-maps', SCENE),
  denseRowsRow('rows-ld-dfl', { layout: 'rows', batch: 1, bins: 17, levels: [{ height: 5, width: 5 }] }),
  trainStepRow('train-step-ld', { ...STEP, size: 'tiny', teacher: 'small', recipe: 'main-ld+vlr-ld' }),
  ...convolutionRows('conv', { batch: 1, inputs: 8, outputs: 8, kernel: 3, stride: 2, levels: LEVELS }),
  groupNormRow('group-norm', { batch: 1, channels: 8, levels: LEVELS }),
];
// Each row and each point of a curve opens a device: here the tests' one, whose kernels are compiled.
const open = vi.fn(sharedDevice);
beforeAll(() => void vi.spyOn(devices, 'openDevice').mockImplementation(open));
afterAll(() => void vi.restoreAllMocks());

const PLAN: Plan = { warmUps: 1, least: 2, most: 2, seconds: 0, interval: 0 };
const PEER: Peer = {
  name: 'slow',
  command: [
    process.execPath,
    '--eval',
    `console.log(JSON.stringify({ peer: 'Slow 1.0', rows: ['regions', 'conv-forward', 'unasked'] }));
     require('node:readline').createInterface({ input: process.stdin }).on('line', (row) => {
       console.log(JSON.stringify(row === 'regions' ? { error: 'too hard' } : { ms: 1e6 }));
     });`,
    '--',
  ],
};

test('a run of every kind of row gives the document that --json prints, and tables of it', async () => {
  const said: string[] = [];
  const report = await runBench(
    { rows: ROWS, plan: PLAN, adapter: 'auto', peers: true, kernels: false, curves: false, readme: false, json: true },
    ['--peers'],
    (text) => said.push(text),
    [PEER, { name: 'missing', command: ['no-such-program'] }],
  );

  const document = JSON.parse(JSON.stringify(report));
  expect(document).toMatchObject({
    adapter: expect.stringMatching(/./),
    command: 'npm run bench -- --peers',
    peers: { slow: 'Slow 1.0' },
  });
  expect(document.rows.map(({ name }: { name: string }) => name)).toEqual(ROWS.map(({ name }) => name));
  for (const row of document.rows) {
    expect(row.ms).toBeGreaterThan(0);
    expect(row.spread).toBeGreaterThanOrEqual(0);
    expect(row.wallMs).toBeGreaterThan(0);
    expect(row.dispatches).toBeGreaterThan(0);
    expect(row.runs).toBe(2);
    if (row.name.startsWith('train-step')) {
      expect(row).toMatchObject({ bytes: null, copyRatio: null });
      expect(row.gigaflops).toBeGreaterThan(0);
    } else {
      expect(row.bytes).toBeGreaterThan(0);
      expect(row.copyRatio).toBeCloseTo(row.ms / row.copyMs, 9);
      expect(row.gigabytesPerSecond).toBeCloseTo(row.bytes / row.ms / 1e6, 9);
    }
    if (row.name === 'conv-forward') {
      const { ms, ownMs, ratio, turns } = row.turns.slow;
      expect(row.peers).toEqual({ slow: ratio });
      expect({ ms, turns }).toEqual({ ms: 1e6, turns: 11 });
      expect(ownMs).toBeGreaterThan(0);
      expect(ratio).toBeGreaterThan(1);
    } else {
      expect(row).toMatchObject({ peers: {}, turns: {} });
    }
  }
  // 0 where the pool of the tests' device has the memory already; null would be a row that does not say it.
  expect(document.rows[0].scratchBytes).toEqual(expect.any(Number));
  expect(said).toContainEqual(expect.stringMatching(/^peer missing is left out: .*ENOENT/));
  expect(said).toContain('peer slow has no times of regions: too hard');

  const text = formatReport(report);
  const markdown = formatMarkdown(report);
  for (const table of [text, markdown]) {
    expect(table).toContain(report.adapter);
    expect(table).toContain('slow is Slow 1.0');
    for (const { name, clock } of report.rows) expect(table).toMatch(new RegExp(`${name}\\b.*\\b${clock}\\b`));
  }
  expect(text).toMatch(/^GFLOP\/s in turn +edgewise +slow\nconv-forward +\d+\.\d +0\.0$/m);
  expect(markdown).toContain('`npm run bench -- --peers`');
  const widths = markdown.match(/^\|.*\|$/gm)?.map((line) => line.split('|').length);
  expect(new Set(widths).size).toBe(1);
});

test('kernels are timed one by one where the adapter has timestamps', async (context) => {
  const device = await sharedDevice();
  const canTime = device.gpu.features.has('timestamp-query');
  if (!canTime) return context.skip();
  const { rows } = await runBench(
    {
      rows: ROWS.filter(({ name }) => name === 'regions'),
      plan: PLAN,
      adapter: 'auto',
      peers: false,
      kernels: true,
      curves: false,
      readme: false,
      json: true,
    },
    [],
    () => {},
  );
  const dispatches = rows[0].kernels?.reduce((sum, kernel) => sum + kernel.dispatches, 0);
  expect(dispatches).toBe(rows[0].dispatches);
});

test('curves are measured along each axis', async () => {
  const axes = { batch: [1, 2], image: [], boxes: [], bins: [7] };
  const said: string[] = [];
  const options = { clock: 'wall', plan: PLAN, onPoint: (name: string) => said.push(name) } as const;
  open.mockClear();
  const curves = await measureCurves(open, options, SCENE, axes);
  expect(open).toHaveBeenCalledTimes(3);
  expect(curves.map(({ axis, points }) => [axis, points.map(({ value }) => value)])).toEqual(Object.entries(axes));
  expect(said).toEqual(['batch 1', 'batch 2', 'bins 7']);
  for (const { ms, copyMs } of curves.flatMap(({ points }) => points)) {
    expect(ms).toBeGreaterThan(0);
    expect(copyMs).toBeGreaterThan(0);
  }
});

test('the picture of the curves names axes, units, adapter and date', () => {
  const report = beginReport({ name: 'Some adapter', kind: 'software', source: '' }, { clock: 'wall', reason: '' }, []);
  const points = [1, 8].map((value) => ({ value, ms: 2 * value, spread: 0, copyMs: value }));
  const svg = drawCurves(
    report,
    (['batch', 'image', 'boxes', 'bins'] as const).map((axis) => ({ axis, points })),
  );
  expect(svg).toMatch(/^<svg[\s\S]*<\/svg>\n$/);
  const units = ['images a step', 'pixels a side', 'boxes an image', 'bins an edge'];
  for (const text of ['Some adapter', report.date, 'milliseconds', ...units]) expect(svg).toContain(text);
});
