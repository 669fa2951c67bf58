import { backward, Variable } from '../../src/autograd/variable.js';
import { localizationLosses } from '../../src/losses/localizationLosses.js';
import type { Device } from '../../src/tensor/device.js';
import { Pyramid } from '../../src/tensor/pyramid.js';
import { Random } from '../../src/tensor/random.js';

const BATCH = 8;
const BINS = 17;
/** Sides of the maps of an image of 640×640 pixels, strides 8 to 128. */
const SIDES = [80, 40, 20, 10, 5];
const LOCATIONS = SIDES.reduce((sum, side) => sum + side * side, 0);
const ROWS = 4 * BATCH * LOCATIONS;

/** What the harness times, and the bytes that it has to move. */
interface Row {
  work: () => void;
  bytes: number;
}

/**
 * LD, DFL and the integral over all 272,800 rows of 17 bins of the boxes of 8 images, forward and gradient. The bytes are two
 * inputs and one output of logits' size: distances, expectations and losses come on top, as for every peer.
 * @param layout rows [R, K] as frameworks flatten them, or maps as a head writes them
 */
export function rowsLdDfl(device: Device, layout: 'rows' | 'maps' = 'rows'): Row {
  const random = Random.of(2);
  const uniform = (length: number, low: number, high: number) =>
    device.tensor(Float32Array.from({ length }, () => random.uniform(low, high)));
  const sizes = SIDES.map((side) => ({ height: side, width: side }));
  const place = (channels: number, low: number, high: number) => {
    const values = device.keep(uniform(BATCH * LOCATIONS * channels, low, high));
    if (layout === 'maps') return Pyramid.of(values, BATCH, channels, sizes);
    return channels > 4 ? values.view([ROWS, BINS]) : values;
  };
  const student = place(4 * BINS, -2, 2);
  const targets = { teacher: place(4 * BINS, -2, 2), distances: place(4, 0, BINS - 1) };
  const options = { dflWeight: 0.25, ldWeight: 0.25, averageFactor: 4 };
  return {
    work: () => {
      const leaf = new Variable(student, true);
      backward({ variable: localizationLosses(leaf, targets, options).total });
      leaf.gradient?.dispose();
    },
    bytes: 4 * 3 * ROWS * BINS,
  };
}
