import { backward, Variable } from '../../src/autograd/variable.js';
import { distributionFocalLoss } from '../../src/losses/dfl.js';
import { integral } from '../../src/losses/distribution.js';
import { temperatureKL } from '../../src/losses/ld.js';
import { copyOfTwo } from '../copy.js';
import { noise } from '../noise.js';
import type { Row } from '../row.js';

/** LD, DFL and the integral of every row of logits, and the gradient of all three. */
export function denseRowsRow(name: string, { rows, bins }: { rows: number; bins: number }): Row {
  return {
    name,
    what: `LD, DFL and integral with their gradient: ${rows} rows of ${bins} bins`,
    prepare: (device) => {
      const student = noise(device, [rows, bins], -2, 2);
      const teacher = noise(device, [rows, bins], -2, 2);
      const distances = noise(device, [rows], 0, bins - 1);
      const incoming = noise(device, [rows]);
      const record = () => {
        const logits = new Variable(student, true);
        backward([
          { variable: temperatureKL(logits, teacher) },
          { variable: distributionFocalLoss(logits, distances) },
          { variable: integral(logits), gradient: incoming },
        ]);
        logits.gradient?.dispose();
      };
      const side = 4 * rows * bins;
      return { record, bytes: 3 * side, copy: copyOfTwo(device, side), flop: null };
    },
  };
}
