import source from '../../shaders/ops/strided_copy.wgsl';
import vec4Source from '../../shaders/ops/strided_copy_vec4.wgsl';
import { one } from '../autograd/one.js';
import { Variable } from '../autograd/variable.js';
import { storedKernel, storedType } from '../tensor/stored.js';
import type { Tensor } from '../tensor/tensor.js';
import { merged, table, type Walk } from './dimensions.js';
import { storedAs } from './storedAs.js';

const COPY = storedKernel({ name: 'strided copy', source });
const COPY_VEC4 = storedKernel({ name: 'strided copy, four at once', source: vec4Source });

/** The elements to copy: `walks` with steps in the input and in the output. */
export interface CopyPlan {
  walks: readonly Walk[];
  /** The first element read; default 0. */
  firstIn?: number;
  /** The first element written; default 0. */
  firstOut?: number;
  scale?: number;
}

/** Copies elements between tensors of one type, with steps of their own. @param name of the operation, for errors */
export function stridedCopy(
  name: string,
  input: Tensor,
  output: Tensor,
  { walks, firstIn = 0, firstOut = 0, scale = 1 }: CopyPlan,
): void {
  const single = merged(name, walks);
  if (single.some(({ extent }) => extent === 0)) return;
  const places = [firstIn, firstOut];
  const isWhole = [input, output].every(({ size }, i) => size % 4 === 0 && places[i] % 4 === 0) && inWholes(single);
  const width = isWhole ? 4 : 1;
  const dimensions = isWhole ? single.map(inVec4) : single;
  const count = dimensions.reduce((product, { extent }) => product * extent, 1);
  output.device.run({
    kernel: (isWhole ? COPY_VEC4 : COPY)(input, output),
    constants: { DIMENSIONS: Math.max(1, dimensions.length) },
    bindings: { input: input.range, output: output.range },
    params: {
      count,
      first_in: firstIn / width,
      first_out: firstOut / width,
      scale,
      extents: table(
        dimensions.map(({ extent }) => extent),
        1,
      ),
      in_steps: table(
        dimensions.map(({ steps }) => steps[0]),
        0,
      ),
      out_steps: table(
        dimensions.map(({ steps }) => steps[1]),
        0,
      ),
    },
    invocations: count,
  });
}

/** Writes a value to the elements that `stridedCopy` would write. */
export function stridedFill(
  name: string,
  output: Tensor,
  value: number,
  { walks, firstOut = 0 }: Pick<CopyPlan, 'walks' | 'firstOut'>,
): void {
  const source = one(output.device);
  const stored = storedAs(new Variable(source), storedType(output.type)).value;
  const still = walks.map(({ extent, steps: [, to] }) => ({ extent, steps: [0, to] }));
  stridedCopy(name, stored, output, { walks: still, firstOut, scale: value });
  if (stored !== source) stored.dispose();
}

/** Whether both tensors hold the innermost dimension as whole vec4 at multiples of four. */
function inWholes(walks: readonly Walk[]): boolean {
  const last = walks.at(-1);
  const outer = walks.slice(0, -1);
  if (!last || last.extent % 4 !== 0 || last.steps.some((step) => step !== 1)) return false;
  return outer.every(({ steps }) => steps.every((step) => step % 4 === 0));
}

/** A walk in steps of four elements. */
function inVec4({ extent, steps }: Walk, d: number, { length }: readonly Walk[]): Walk {
  if (d === length - 1) return { extent: extent / 4, steps };
  return { extent, steps: steps.map((step) => step / 4) };
}
