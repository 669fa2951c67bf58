import { expect } from 'vitest';
import { type Assignment, assignmentMaps, COUNTS, SAMPLE_WORDS } from '../../src/regions/assignment.js';
import type { Grid } from '../../src/regions/grid.js';

const TABLE_IGNORED = 0x80000000;

/** The maps of an assignment, on the host. */
export type ReadMaps = Record<'label' | 'matched' | 'weight' | 'score' | 'vlr', number[]>;

/**
 * The maps of an assignment, which is given back, after a look at its parts: a location has one sample, positives come first, and
 * table, samples, counts and maps say the same.
 */
export async function readConsistent(grid: Grid, assignment: Assignment): Promise<ReadMaps> {
  const { batch, classes, slots, maxPositives, maxSamples } = assignment;
  const maps = assignmentMaps(assignment);
  const read = async (tensors: Record<string, { read(): Promise<ArrayLike<number>> }>) =>
    Object.fromEntries(
      await Promise.all(Object.entries(tensors).map(async ([name, tensor]) => [name, await tensor.read()] as const)),
    );
  const { table, samples, counts } = (await read({
    table: assignment.table,
    samples: assignment.samples,
    counts: assignment.counts,
  })) as { table: Uint32Array; samples: Uint32Array; counts: Float32Array };
  const { label, matched, weight, score, vlr } = (await read({ ...maps })) as Record<keyof ReadMaps, Float32Array>;
  for (const tensor of Object.values(maps)) tensor.dispose();
  assignment.dispose();

  const background = Array.from(weight, (w) => (w > 0 ? 0 : TABLE_IGNORED));
  expect(Array.from(table)).toEqual(background.map((mark, i) => (label[i] < classes ? 1 + label[i] : mark)));
  const floats = new Float32Array(samples.buffer);
  const found = new Map<number, { assigned: number; score: number; vlr: number }>();
  const levelOf = (location: number) =>
    grid.levels.filter((_, l) => location >= batch * grid.levelTable[4 * l]).length - 1;
  const totals = { positives: 0, samples: 0 };
  for (let image = 0; image < batch; image++) {
    const start = COUNTS.stride * image;
    const [positives, listed, vlrWeight, scores] = counts.slice(start, start + 4);
    const levels = { positives: grid.levels.map(() => 0), vlr: grid.levels.map(() => 0) };
    const sums = { vlr: 0, score: 0 };
    for (let i = 0; i < listed; i++) {
      const word = SAMPLE_WORDS * (image * slots + i);
      const [location, assigned] = samples.slice(word, word + 2);
      const [target, member] = floats.slice(word + 2, word + 4);
      expect(assigned < 0xfffffffe).toBe(i < positives);
      expect(found.has(location)).toBe(false);
      found.set(location, { assigned, score: target, vlr: member });
      if (i < positives) levels.positives[levelOf(location)]++;
      if (member > 0) levels.vlr[levelOf(location)]++;
      sums.vlr += member;
      sums.score += target;
    }
    const levelCounts = (first: number) => Array.from(counts.slice(start + first, start + first + grid.levels.length));
    expect(levelCounts(COUNTS.levelPositives)).toEqual(levels.positives);
    expect(levelCounts(COUNTS.levelPositives + 8)).toEqual(levels.vlr);
    expect(vlrWeight).toBeCloseTo(sums.vlr, 3);
    expect(scores).toBeCloseTo(sums.score, 3);
    totals.positives += positives;
    totals.samples += listed;
  }
  expect(totals.positives).toBeLessThanOrEqual(maxPositives);
  expect(totals.samples).toBeLessThanOrEqual(maxSamples);
  for (let location = 0; location < label.length; location++) {
    const sample = found.get(location);
    const positive = label[location] < classes;
    expect(sample !== undefined).toBe(positive || vlr[location] > 0);
    expect(score[location]).toBe(positive ? sample?.score : 0);
    if (!sample) continue;
    expect(sample.vlr).toBe(vlr[location]);
    if (positive) expect(sample.assigned).toBe(matched[location] * 65536 + label[location]);
    else expect(sample.assigned).toBe(weight[location] > 0 ? 0xffffffff : 0xfffffffe);
  }
  const list = (values: ArrayLike<number>) => Array.from(values);
  return { label: list(label), matched: list(matched), weight: list(weight), score: list(score), vlr: list(vlr) };
}
