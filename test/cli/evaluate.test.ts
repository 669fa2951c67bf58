import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { edgewise } from './cli.js';

const GOLDEN = 'test/golden/coco-eval';
const ANNOTATIONS = `${GOLDEN}/bccd_val.json`;
const DETECTIONS = `${GOLDEN}/bccd_val_dets.json`;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'edgewise-evaluate-'));
});
afterAll(() => rm(folder, { recursive: true }));

const evaluate = (annotations: string, detections: string, ...more: string[]) =>
  edgewise(['evaluate', '--annotations', annotations, '--detections', detections, ...more]);

test("a file of detections gets the figures of COCO's own evaluation", async () => {
  const { code, stdout, stderr } = await evaluate(ANNOTATIONS, DETECTIONS, '--json');
  expect([code, stderr]).toEqual([0, '']);
  const printed = JSON.parse(stdout);
  expect(Object.keys(printed)).toEqual(['stats', 'perClass']);
  const expected = JSON.parse(await readFile(`${GOLDEN}/bccd_val_expected.json`, 'utf8'));
  expect(printed.stats).toHaveLength(12);
  Object.values<number>(expected.stats).forEach((value, i) => void expect(printed.stats[i]).toBeCloseTo(value, 6));
  expect(Object.keys(printed.perClass)).toEqual(['RBC', 'WBC', 'Platelets']);
});

test('people get a table', async () => {
  const { code, stdout } = await evaluate(ANNOTATIONS, DETECTIONS);
  expect(code).toBe(0);
  expect(stdout).toMatch(/^ *AP +AP50 +AP75 /);
  expect(stdout).toMatch(/^Platelets +\d+\.\d$/m);
});

test.each([
  ['{"images": [}', /made\.json is not JSON: line 1, column 13/],
  ['{"images": []}', /made\.json: "images" is empty|"annotations" is not an array|"categories"/],
])('broken annotations are one clear line: %s', async (text, message) => {
  const file = join(folder, 'made.json');
  await writeFile(file, text);
  const { code, stdout, stderr } = await evaluate(file, DETECTIONS);
  expect([code, stdout]).toEqual([1, '']);
  expect(stderr).toMatch(message);
  expect(stderr).toMatch(/^edgewise: [^\n]+\n$/);
});

test('a missing file and a detection of an unknown image are one clear line', async () => {
  const missing = await evaluate('nowhere.json', DETECTIONS);
  expect(missing).toMatchObject({ code: 1, stdout: '' });
  expect(missing.stderr).toMatch(/^edgewise: nowhere\.json does not exist[^\n]*\n$/);
  const file = join(folder, 'detections.json');
  await writeFile(file, '[{"image_id": -1, "category_id": 1, "bbox": [0, 0, 1, 1], "score": 1}]');
  const stranger = await evaluate(ANNOTATIONS, file);
  expect(stranger).toMatchObject({ code: 1, stdout: '' });
  expect(stranger.stderr).toMatch(
    /^edgewise: \S+: \[0]\.image_id is -1, which is no image of the annotations[^\n]*\n$/,
  );
  const json = await evaluate(ANNOTATIONS, file, '--json');
  expect(JSON.parse(json.stdout).error).toMatch(/image_id is -1/);
});
