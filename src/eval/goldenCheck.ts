import { HeadLoss } from '../losses/headLoss.js';
import type { HeadLossResult, HeadLossValues } from '../losses/headResult.js';
import type { TermName } from '../losses/headTerms.js';
import { type Assignment, assignmentMaps } from '../regions/assignment.js';
import { atss } from '../regions/atss.js';
import { imitationRegion } from '../regions/imitation.js';
import { type Truth, uploadTruth } from '../regions/truth.js';
import type { Device } from '../tensor/device.js';
import { Pyramid } from '../tensor/pyramid.js';
import type { Tensor, Values } from '../tensor/tensor.js';
import { type Demand, type Deviation, deviation } from './deviation.js';
import type { GoldenAssignment, GoldenCase } from './goldenCase.js';
import { checkGoldenHead, type GoldenHeadCase } from './goldenHead.js';
import type { GoldenLoss, GoldenOutputs } from './goldenLoss.js';

/** How each assignment must agree. */
const DEMANDS: Record<keyof GoldenAssignment, Demand> = {
  label: 'exact',
  weight: 'exact',
  box: 'exact',
  vlr: 'region',
  imitation: 'exact',
};

/** What the device computed, on the host; maps are packed level by level. */
interface Computed {
  values: HeadLossValues | null;
  regions: Record<keyof GoldenAssignment, ArrayLike<number>>;
  gradients: Record<keyof GoldenOutputs, ArrayLike<number> | null>;
}

/**
 * Computes a golden case on the device and compares every loss term, the total, labels, label weights, matched boxes, VLR,
 * imitation mask and gradients, level by level, with what the reference implementation gave; of another head also target scores.
 * @returns one entry a quantity and level, named as in the file: `loss_ld.0`, `total`, `label.0`, `grad.cls.0` …
 * @throws InputError or DeviceError that names the file, where the case's inputs are wrong (a NaN among its logits)
 */
export async function checkGoldenCase(device: Device, golden: GoldenCase | GoldenHeadCase): Promise<Deviation[]> {
  try {
    return await ('head' in golden ? checkGoldenHead(device, golden) : checkReference(device, golden));
  } catch (error) {
    if (error instanceof Error) error.message = `${golden.file}: ${error.message}`;
    throw error;
  }
}

async function checkReference(device: Device, golden: GoldenCase): Promise<Deviation[]> {
  const computed = await compute(device, golden);
  const { loss } = golden;
  const found: Deviation[] = [];
  if (loss && computed.values) {
    for (const [name, levels] of Object.entries(loss.losses)) {
      const terms = computed.values.terms[name as TermName];
      levels.forEach(
        (value, level) => void found.push(deviation(`${name}.${level}`, [terms[level]], [value], 'close')),
      );
    }
    found.push(deviation('total', [computed.values.total], [loss.total], 'close'));
  }
  for (const [name, demand] of Object.entries(DEMANDS) as [keyof GoldenAssignment, Demand][]) {
    const levels = golden.assignment.flatMap(({ [name]: values }) => (values ? [values] : []));
    found.push(...compareLevels(name, computed.regions[name], levels, demand));
  }
  for (const name of ['cls', 'reg', 'feat'] as const) {
    const [gradient, levels] = [computed.gradients[name], loss?.gradients[name]];
    if (gradient && levels) found.push(...compareLevels(`grad.${name}`, gradient, levels, 'close'));
  }
  return found;
}

function compareLevels(
  name: string,
  packed: ArrayLike<number>,
  levels: readonly Float32Array[],
  demand: Demand,
): Deviation[] {
  let start = 0;
  return levels.map((expected, level) => {
    const computed = Array.from(expected, (_, index) => packed[start + index]);
    start += expected.length;
    return deviation(`${name}.${level}`, computed, expected, demand);
  });
}

async function compute(device: Device, golden: GoldenCase): Promise<Computed> {
  const [values, { matched, ...regions }, gradients] = await device.tidy(() => {
    const truth = uploadTruth(device, golden.truth, golden);
    const result = golden.loss && evaluate(device, golden, golden.loss, truth);
    const assignment = result?.assignment ?? assign(golden, truth);
    const { label, matched, weight, vlr } = assignmentMaps(assignment);
    const mask = result?.regions().imitation ?? null;
    const { classLogits = null, boxLogits = null, features = null } = result?.gradients ?? {};
    // Each read records its copy at once, before `tidy` takes the tensors back.
    return Promise.all([
      result?.read() ?? null,
      // Where the case has no mask none is compared.
      readAll({ label, matched, weight, vlr, imitation: imitationMask(golden, truth, { assignment, mask }) ?? weight }),
      readAll({ cls: classLogits, reg: boxLogits, feat: features }),
    ]);
  });
  const { boxes } = golden.truth;
  const box = Array.from(matched, (index) => [0, 1, 2, 3].map((edge) => (index < 0 ? 0 : boxes[4 * index + edge])));
  return { values, regions: { ...regions, box: box.flat() }, gradients };
}

function evaluate(device: Device, golden: GoldenCase, loss: GoldenLoss, truth: Truth): HeadLossResult {
  const { batch, classes, grid, recipe } = golden;
  const { imageSize, strides } = grid;
  const upload = (levels: readonly Float32Array[]) => {
    const packed = device.tensor(Float32Array.from(levels.flatMap((level) => [...level])));
    return Pyramid.of(packed, batch, packed.size / (batch * grid.locations), grid.levels);
  };
  const outputs = ({ cls, reg, feat }: GoldenOutputs) => ({
    classLogits: upload(cls),
    boxLogits: upload(reg),
    ...(feat && { features: upload(feat) }),
  });
  const headLoss = new HeadLoss(device, { classes, bins: loss.bins, strides, imageSize, batch, recipe });
  return headLoss.evaluate({ student: outputs(loss.student), teacher: outputs(loss.teacher), truth });
}

function assign({ grid, recipe }: GoldenCase, truth: Truth): Assignment {
  const { topk, ignoreIofThreshold, gamma, vlr } = recipe.regions;
  return atss(grid, truth, { topk, ignoreIofThreshold, vlr, gamma });
}

/** The mask that the loss used; without imitation, or with `gibox`, the file's; null where the file has none. */
function imitationMask(
  { grid, method }: GoldenCase,
  truth: Truth,
  { assignment, mask }: { assignment: Assignment; mask: Tensor | null },
): Tensor | null {
  if (method === null) return null;
  if (method === 'gibox') return imitationRegion('inside', grid, truth);
  return mask ?? imitationRegion(method, grid, truth, assignment);
}

type Read<T> = { [K in keyof T]: T[K] extends Tensor ? Values : Values | null };

async function readAll<T extends Record<string, Tensor | null>>(tensors: T): Promise<Read<T>> {
  const reads = Object.entries(tensors).map(async ([name, tensor]) => [name, tensor && (await tensor.read())]);
  return Object.fromEntries(await Promise.all(reads));
}
