import fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import type { Choices } from '../../src/gpu/choices.js';
import { generalInstances } from '../../src/regions/generalInstances.js';
import { makeGrid } from '../../src/regions/grid.js';
import type { HeadMaps } from '../../src/regions/student.js';
import { matchTeacher } from '../../src/regions/teacherHead.js';
import { uploadTruth } from '../../src/regions/truth.js';
import { type Maps, rowMajorLayout } from '../../src/tensor/layout.js';
import { Pyramid } from '../../src/tensor/pyramid.js';
import { Random } from '../../src/tensor/random.js';
import { sharedDevice } from '../device.js';
import { type Box, iou } from '../reference/boxes.js';
import { loadGolden } from '../reference/golden.js';
import { type GridLevel, gridLevels } from '../reference/grid.js';
import { giboxRegion } from '../reference/imitationRegion.js';
import { type TeacherForm, teacherSizes, teacherViews } from '../reference/rebin.js';
import type { HeadOutputs } from '../reference/types.js';
import { runs } from '../runs.js';

const device = await sharedDevice();
afterEach(() => device.setChoices({}));

interface Case {
  width: number;
  height: number;
  strides: number[];
  batch: number;
  classes: number;
  bins: number;
  student: HeadOutputs;
  teacher: HeadOutputs;
  /** In what the teacher's head differs. */
  form?: TeacherForm;
}

/** One level's values [B, channels, H·W]. */
type LevelValues = ArrayLike<number>;

function randomLevels(random: Random, levels: readonly GridLevel[], rows: number, scale: number): Float32Array[] {
  return levels.map(({ anchors }) =>
    Float32Array.from({ length: rows * anchors.length }, () => scale * random.normal()),
  );
}

function randomCase(seed: number, form?: TeacherForm, least = 20): Case {
  const random = Random.of(seed);
  const sizes = {
    width: least + random.integer(80),
    height: least + random.integer(80),
    strides: [[8], [8, 16, 32]][random.integer(2)],
  };
  const counts = { batch: 1 + random.integer(3), classes: 1 + random.integer(4), bins: [2, 5, 17][random.integer(3)] };
  const outputs = ({ bins, ...given }: typeof sizes & { bins: number }) => ({
    classLogits: randomLevels(random, gridLevels(given), counts.batch * counts.classes, 2),
    boxLogits: randomLevels(random, gridLevels(given), counts.batch * 4 * bins, 2),
  });
  const own = { ...sizes, ...counts };
  const theirs = teacherSizes(own, form ?? {});
  return { ...own, student: outputs(own), teacher: outputs(theirs), ...(form && { form }) };
}

function pyramid(levels: readonly LevelValues[], { batch, ...given }: Case, channels: number): Maps {
  const { levels: sizes } = makeGrid({ imageSize: given, strides: given.strides });
  return Pyramid.of(device.tensor(levels.flatMap((level) => Array.from(level))), batch, channels, sizes);
}

/** The same values as rows [B, A, channels]. */
function rows(levels: readonly LevelValues[], { batch, ...given }: Case, channels: number): Maps {
  const { areas } = makeGrid({ imageSize: given, strides: given.strides });
  const layout = rowMajorLayout(channels, areas);
  const values = new Float32Array(levels.reduce((sum, level) => sum + level.length, 0));
  levels.forEach((level, l) => {
    for (let i = 0; i < level.length; i++) {
      const [image, channel, cell] = [
        Math.floor(i / (channels * areas[l])),
        Math.floor(i / areas[l]) % channels,
        i % areas[l],
      ];
      const { offset, batch: imageStride, channel: channelStride, location } = layout[l];
      values[offset + image * imageStride + channel * channelStride + cell * location] = level[i];
    }
  });
  expect(values.length).toBe(batch * channels * areas.reduce((a, b) => a + b, 0));
  return { tensor: device.tensor(values), layout };
}

const noTruth = { boxes: [], labels: [], images: [] };

async function select(given: Case, scope: 'batch' | 'image', maps = pyramid, imageSizes?: number[]): Promise<number[]> {
  const { batch, classes, bins } = given;
  const grid = makeGrid({ imageSize: given, strides: given.strides });
  const truth = uploadTruth(device, { ...noTruth, ...(imageSizes && { imageSizes }) }, { batch, classes });
  const logits = ({ classLogits, boxLogits }: HeadOutputs, of: Case): HeadMaps => ({
    classLogits: maps(classLogits, of, classes),
    boxLogits: maps(boxLogits, of, 4 * of.bins),
  });
  const theirs = { ...given, ...teacherSizes(given, given.form ?? {}) };
  const teacherHead = matchTeacher({ grid, bins }, given.form);
  const input = {
    student: logits(given.student, given),
    teacher: logits(given.teacher, theirs),
    bins,
    scope,
    teacherHead,
  };
  return Array.from(await generalInstances(grid, truth, input).read());
}

function expected(given: Case, scope: 'batch' | 'image'): number[] {
  const { student, teacher, form, ...rest } = given;
  const views = form && teacherViews(given, 0, form);
  return gridLevels(given).flatMap((level, l) => {
    const at = ({ classLogits, boxLogits }: HeadOutputs, l: number) => ({
      classLogits: classLogits[l],
      boxLogits: boxLogits[l],
    });
    const parameters = { parameters: 'ltrb', bins: given.bins, anchor: 8 } as const;
    const nets = { student: at(student, l), teacher: at(teacher, views?.[l]?.level ?? l) };
    const teacherView = views && { view: views[l], bins: form?.bins ?? given.bins };
    return Array.from(giboxRegion({ ...rest, ...nets, parameters, level, scope, teacherView }));
  });
}

/** The logits changed by far more than f32 rounds: where the region stays the same, rounding does not decide it. */
function shaken(given: Case, seed: number): Case {
  const random = Random.of(seed);
  const shake = (levels: readonly LevelValues[]) =>
    levels.map((level) => Float64Array.from(level, (v) => v + 3e-6 * random.normal()));
  const outputs = ({ classLogits, boxLogits }: HeadOutputs) => ({
    classLogits: shake(classLogits),
    boxLogits: shake(boxLogits),
  });
  return { ...given, student: outputs(given.student), teacher: outputs(given.teacher) };
}

const seeds = fc.nat();

describe.each(['batch', 'image'] as const)('scope %s', (scope) => {
  test.each([
    { layout: 'pyramids', maps: pyramid },
    { layout: 'rows', maps: rows },
  ])('the region of the oracle, from $layout', ({ maps }) =>
    fc.assert(
      fc.asyncProperty(seeds, async (seed) => {
        const given = randomCase(seed);
        const right = expected(given, scope);
        for (const other of [1, 2, 3]) fc.pre(expected(shaken(given, other), scope).join() === right.join());
        expect(await select(given, scope, maps)).toEqual(right);
      }),
      runs(5),
    ),
  );

  test('a teacher of other bins, centre offset, levels and image size', () =>
    fc.assert(
      fc.asyncProperty(seeds, async (seed) => {
        const random = Random.of(seed + 1);
        const { width, height } = randomCase(seed);
        const scale = [1, 2][random.integer(2)];
        const form: TeacherForm = {
          bins: [2, 8, 33][random.integer(3)],
          centreOffset: [0, 0.5][random.integer(2)],
          strides: [
            [8, 16, 32],
            [16, 8],
          ][random.integer(2)],
          imageSize: { width: scale * width, height: scale * height },
        };
        const given = randomCase(seed, form);
        const right = expected(given, scope);
        for (const other of [1, 2, 3]) fc.pre(expected(shaken(given, other), scope).join() === right.join());
        expect(await select(given, scope)).toEqual(right);
      }),
      runs(5),
    ));

  test('equal nets: scores are 0, the first locations win', async () => {
    const given = { ...randomCase(5) };
    const same = { ...given, teacher: given.student };
    expect(await select(same, scope)).toEqual(expected(same, scope));
  });

  test('a workgroup a group and many choose the same', () =>
    fc.assert(
      // Levels of one part and of several, groups that run out of locations, and ties.
      fc.asyncProperty(seeds, fc.constantFrom(20, 320), fc.boolean(), async (seed, least, tied) => {
        const given = randomCase(seed, undefined, least);
        const nets = tied ? { ...given, teacher: given.student } : given;
        const chosen = (by: Choices['lists.workgroups']) => {
          device.setChoices({ 'lists.workgroups': by });
          return select(nets, scope);
        };
        expect(await chosen('objects')).toEqual(await chosen('image'));
      }),
      runs(8),
    ));
});

/** The first `rows` rows and `columns` columns of maps [B · channels, H, W]. */
function crop(values: LevelValues, level: GridLevel, part: GridLevel): Float32Array {
  const maps = values.length / level.anchors.length;
  return Float32Array.from({ length: maps * part.anchors.length }, (_, i) => {
    const [map, cell] = [Math.floor(i / part.anchors.length), i % part.anchors.length];
    const [row, column] = [Math.floor(cell / part.width), cell % part.width];
    return values[map * level.anchors.length + row * level.width + column];
  });
}

test('locations beyond an image are -1 and suppress nothing', async () => {
  const given = { ...randomCase(11), batch: 1 };
  const own = { width: Math.ceil(given.width / 2), height: Math.ceil(given.height / 3) };
  const levels = gridLevels(given);
  const parts = gridLevels({ ...own, strides: given.strides });
  const one = ({ classLogits, boxLogits }: HeadOutputs, cut: boolean): HeadOutputs => {
    const first = (channels: number) => (values: LevelValues, l: number) => {
      const image = Array.from(values).slice(0, channels * levels[l].anchors.length);
      return cut ? crop(image, levels[l], parts[l]) : image;
    };
    return { classLogits: classLogits.map(first(given.classes)), boxLogits: boxLogits.map(first(4 * given.bins)) };
  };
  const whole = { ...given, student: one(given.student, false), teacher: one(given.teacher, false) };
  const part = { ...given, ...own, student: one(given.student, true), teacher: one(given.teacher, true) };
  const mask = await select(whole, 'batch', pyramid, [own.width, own.height]);
  expect(mask.filter((v) => v >= 0)).toEqual(await select(part, 'batch'));
  expect(mask.filter((v) => v < 0).length).toBe(
    mask.length - parts.reduce((sum, { anchors }) => sum + anchors.length, 0),
  );
});

test('offset boxes: deltas in the middle of their bins mean the anchor', async () => {
  // With uniform bins every box is its location's anchor of 3 strides; the greedy suppression is that of these anchors.
  const [width, height, classes, bins] = [64, 64, 1, 5];
  const [level] = gridLevels({ width, height, strides: [8], octaveBaseScale: 3 });
  const random = Random.of(3);
  const teacherClass = Float32Array.from(level.anchors, () => random.uniform(0, 4));
  const kept: Box[] = [];
  const order = Array.from(teacherClass.keys()).sort((a, b) => teacherClass[b] - teacherClass[a]);
  const right = new Array<number>(level.anchors.length).fill(0);
  for (const cell of order) {
    if (kept.length === 10 || kept.some((box) => iou(box, level.anchors[cell]) > 0.3)) continue;
    kept.push(level.anchors[cell]);
    right[cell] = 1;
  }
  const given: Case = { width, height, strides: [8], batch: 1, classes, bins, student: empty(), teacher: empty() };
  const flat = pyramid([new Float32Array(4 * bins * level.anchors.length)], given, 4 * bins);
  const student = {
    classLogits: pyramid([new Float32Array(level.anchors.length).fill(-9)], given, 1),
    boxLogits: flat,
  };
  const teacher = { classLogits: pyramid([teacherClass], given, 1), boxLogits: flat };
  const grid = makeGrid({ imageSize: { width, height }, strides: [8], octaveScale: 3 });
  const truth = uploadTruth(device, noTruth, { batch: 1, classes });
  const mask = generalInstances(grid, truth, { student, teacher, bins, parameters: 'offset', scope: 'image' });
  expect(Array.from(await mask.read())).toEqual(right);
});

function empty(): HeadOutputs {
  return { classLogits: [], boxLogits: [] };
}

test('golden case imitation-gibox: the region gives the reference its loss', async () => {
  const golden = await loadGolden('test/golden/imitation-gibox.safetensors');
  const mask = await select(golden, 'batch');
  expect(mask).toEqual(expected(golden, 'batch'));
  const area = golden.student.classLogits[0].length / golden.classes;
  const channels = 256;
  let [sum, count] = [0, 0];
  for (let cell = 0; cell < area; cell++) {
    if (mask[cell] !== 1) continue;
    count++;
    for (let c = 0; c < channels; c++) {
      const at = c * area + cell;
      sum += ((golden.student.features?.[0][at] ?? NaN) - (golden.teacher.features?.[0][at] ?? NaN)) ** 2;
    }
  }
  const loss = (golden.imitationWeight * sum) / (count * channels);
  expect(loss / golden.losses.loss_im[0]).toBeCloseTo(1, 5);
});

test('logits that do not fit are named', () => {
  const given = randomCase(1);
  const { batch, classes, bins } = given;
  const logits = {
    classLogits: pyramid(given.student.classLogits, given, classes),
    boxLogits: pyramid(given.student.boxLogits, given, 4 * bins),
  };
  const grid = makeGrid({ imageSize: given, strides: given.strides });
  const truth = uploadTruth(device, noTruth, { batch, classes });
  const call = (change: object) => () =>
    generalInstances(grid, truth, { student: logits, teacher: logits, bins, scope: 'batch', ...change });
  expect(call({ bins: 65 })).toThrow('bins: 65');
  expect(call({ bins: bins + 1 })).toThrow(/student.boxLogits: .*expected/);
  expect(call({ teacher: { ...logits, classLogits: logits.boxLogits } })).toThrow(/teacher.classLogits: .*expected/);
});
