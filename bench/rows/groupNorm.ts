import { Variable } from '../../src/autograd/variable.js';
import { groupNorm } from '../../src/ops/groupNorm.js';
import type { LevelSize } from '../../src/tensor/pyramid.js';
import { copyOf } from '../copy.js';
import { noise, noiseMaps } from '../noise.js';
import type { Row } from '../row.js';

/** Channels of a group. */
const GROUP = 4;

export interface GroupNormSize {
  batch: number;
  channels: number;
  levels: readonly LevelSize[];
}

/** Group norm of 4 channels a group and the gradients of input, scale and shift. */
export function groupNormRow(name: string, size: GroupNormSize): Row {
  const { batch, channels, levels } = size;
  const maps = levels.map(({ height, width }) => `${height}×${width}`).join(' + ');
  return {
    name,
    what: `group norm and its gradients, ${channels} channels in groups of ${GROUP}, ${batch} × (${maps})`,
    prepare: (device) => {
      const input = noiseMaps(device, size);
      const incoming = noiseMaps(device, size);
      const [scale, shift] = [noise(device, [channels]), noise(device, [channels])];
      const record = () => {
        const leaves = [new Variable(input, true), new Variable(scale, true), new Variable(shift, true)] as const;
        const output = groupNorm(...leaves, { groups: channels / GROUP });
        // Not `backward`, which copies what arrives at a leaf.
        output.pullback?.(incoming, () => null);
      };
      // Forward the input and the output; backward the input, the incoming gradient and the input's.
      const bytes = 5 * 4 * input.size;
      return { record, bytes, copy: copyOf(device, bytes), flop: null };
    },
  };
}
