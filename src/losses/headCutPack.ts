import source from '../../shaders/losses/head_cut_pack.wgsl';
import type { Truth } from '../regions/truth.js';
import type { Tensor } from '../tensor/tensor.js';
import { type BoxInput, type BoxLayer, inputsOf, isBoxLayer } from './boxLayer.js';
import type { HeadSetting } from './headLists.js';

const PACK = { name: 'head cut pack', source };

/** Output channels of a tile, see shaders/losses/head_cut_tile.wgsl. */
export const TILE = 12;
/** vec4 of the scales of both nets. */
const SCALES = 4;

/** Box branches of both nets, at least one of them a layer. */
export interface Branches {
  student: BoxInput;
  teacher: BoxInput;
}

/** What the kernels of Cut LD read all alike; offsets in vec4. */
export interface PackedBranches {
  /** See shaders/losses/head_cut_pack.wgsl. */
  constants: Tensor;
  teacherWeights: number;
  transposed: number;
  scales: number;
  boxes: number;
}

/** Packs the layers' weights, biases and scales and the true boxes into one buffer. */
export function packBranches({ device, bins, grid }: HeadSetting, truth: Truth, branches: Branches): PackedBranches {
  const outputs = 4 * bins;
  const [own, taught] = [inputsOf(branches.student), inputsOf(branches.teacher)];
  const size = (out: number, inputs: number) => 3 * Math.ceil(out / TILE) * (inputs + 1);
  const teacherWeights = own === 0 ? 0 : size(outputs, own);
  const transposed = teacherWeights + (taught === 0 ? 0 : size(outputs, taught));
  const scales = transposed + (own === 0 ? 0 : size(own, outputs));
  const boxes = scales + SCALES;
  const count = boxes + truth.count;
  const constants = device.empty([4 * count]);
  const partsOf = (box: BoxInput): Partial<BoxLayer> => (isBoxLayer(box) ? box : {});
  const [student, teacher] = [partsOf(branches.student), partsOf(branches.teacher)];
  const range = (part: Tensor | undefined) => (part ?? truth.boxes).range;
  device.run({
    kernel: PACK,
    bindings: {
      weight: range(student.weight),
      bias: range(student.bias),
      scales: range(student.levelScales),
      teacher_weight: range(teacher.weight),
      teacher_bias: range(teacher.bias),
      teacher_scales: range(teacher.levelScales),
      truth: truth.boxes.range4,
      constants: constants.range4,
    },
    params: {
      outputs,
      level_count: grid.levels.length,
      student_inputs: own,
      teacher_inputs: taught,
      student_scales: student.levelScales ? 1 : 0,
      teacher_scales: teacher.levelScales ? 1 : 0,
      teacher_weights: teacherWeights,
      transposed,
      scales: scales,
      boxes,
      count,
    },
    invocations: count,
  });
  return { constants, teacherWeights, transposed, scales, boxes };
}
