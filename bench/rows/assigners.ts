import { dynamicSoftLabel } from '../../src/regions/dynamicSoftLabel.js';
import { makeGrid } from '../../src/regions/grid.js';
import { taskAligned } from '../../src/regions/taskAligned.js';
import { uploadTruth } from '../../src/regions/truth.js';
import { copyOf } from '../copy.js';
import { noiseMaps } from '../noise.js';
import type { Row } from '../row.js';
import { randomTruth } from '../scene.js';

/** A head whose student an assigner looks at: images, their side in pixels, boxes an image. */
interface AssignerSize {
  batch: number;
  image: number;
  boxes: number;
  classes: number;
  bins: number;
  strides: readonly number[];
  centreOffset: number;
}

const ASSIGNERS = { 'task-aligned': taskAligned, 'dynamic-soft-label': dynamicSoftLabel };

/** An assigner that looks at the student. */
export function assignerRow(name: string, assigner: keyof typeof ASSIGNERS, size: AssignerSize): Row {
  const { batch, image, boxes, classes, bins, strides, centreOffset } = size;
  return {
    name,
    what: `Assigner ${assigner}: ${batch} images of ${image}×${image}, ${boxes} boxes an image, ${classes} classes, ${bins} bins`,
    prepare: (device) => {
      const imageSize = { width: image, height: image };
      const grid = makeGrid({ imageSize, strides, centreOffset });
      const truth = uploadTruth(device, randomTruth({ batch, boxes, classes, ...imageSize }), { batch, classes });
      const maps = { batch, levels: grid.levels };
      const student = {
        classLogits: noiseMaps(device, { ...maps, channels: classes }, -6.6, -2.6),
        boxLogits: noiseMaps(device, { ...maps, channels: 4 * bins }, -2, 2),
      };
      // A plain assigner decodes the boxes of all locations.
      const bytes = 4 * 4 * bins * batch * grid.locations;
      return {
        bytes,
        copy: copyOf(device, bytes),
        flop: null,
        record: () => ASSIGNERS[assigner](grid, truth, student, { bins }),
      };
    },
  };
}
