import { backward, Variable } from '../../src/autograd/variable.js';
import { localizationLosses } from '../../src/losses/localizationLosses.js';
import type { LevelSize } from '../../src/tensor/pyramid.js';
import type { Tensor } from '../../src/tensor/tensor.js';
import { copyOfTwo } from '../copy.js';
import { noise, noiseMaps } from '../noise.js';
import type { Row } from '../row.js';

interface DenseRows {
  /** `rows` [R, K] as frameworks flatten them, `maps` as a head writes them. */
  layout: 'rows' | 'maps';
  batch: number;
  bins: number;
  levels: readonly LevelSize[];
}

/**
 * LD, DFL and the integral of all edges of a batch, forward and gradient. The bytes are two inputs and one output of logits'
 * size: distances, expectations and losses come on top.
 */
export function denseRowsRow(name: string, { layout, batch, bins, levels }: DenseRows): Row {
  const locations = levels.reduce((sum, { height, width }) => sum + height * width, 0);
  const rows = 4 * batch * locations;
  return {
    name,
    what: `LD, DFL and integral with their gradient: ${rows} rows of ${bins} bins, as ${layout}`,
    prepare: (device) => {
      const place = (channels: number, low: number, high: number): Tensor => {
        if (layout === 'maps') return noiseMaps(device, { batch, channels, levels }, low, high);
        return noise(device, channels > 4 ? [rows, bins] : [rows], low, high);
      };
      const student = place(4 * bins, -2, 2);
      const targets = { teacher: place(4 * bins, -2, 2), distances: place(4, 0, bins - 1) };
      const record = () => {
        const logits = new Variable(student, true);
        backward({ variable: localizationLosses(logits, targets, { averageFactor: batch }).total });
        logits.gradient?.dispose();
      };
      const side = 4 * student.size;
      return { record, bytes: 3 * side, copy: copyOfTwo(device, side), flop: null };
    },
  };
}
