import { COUNTS, SAMPLE_WORDS } from '../../src/regions/assignment.js';
import { assignAtss, atss } from '../../src/regions/atss.js';
import { makeGrid } from '../../src/regions/grid.js';
import { imitationRegion } from '../../src/regions/imitation.js';
import { uploadTruth } from '../../src/regions/truth.js';
import type { Device } from '../../src/tensor/device.js';
import type { Tensor } from '../../src/tensor/tensor.js';
import { copyOf } from '../copy.js';
import type { Row } from '../row.js';
import { randomTruth, STRIDES } from '../scene.js';

/** Images, their side in pixels, and boxes an image. */
interface RegionsSize {
  batch: number;
  image: number;
  boxes: number;
}

const CLASSES = 80;

/** ATSS and the VLR as the head loss has them, with the map of locations that imitate if there is one. */
export function listsRow(name: string, size: RegionsSize, imitation?: 'finegrained'): Row {
  return {
    name,
    what: `ATSS and VLR as the head loss lists them${imitation ? `, ${imitation} imitation mask` : ''}: ${describe(size)}`,
    prepare: async (device) => {
      const { grid, truth } = makeInput(device, size);
      const list = () => {
        if (imitation) imitationRegion(imitation, grid, truth);
        return atss(grid, truth, { vlr: 'reference' });
      };
      const maskBytes = imitation ? 4 * size.batch * grid.locations : 0;
      return { ...withCopy(device, maskBytes + (await listedBytes(list().counts))), record: list };
    },
  };
}

/** The same as maps, and the mask of fine-grained imitation. */
export function mapsRow(name: string, size: RegionsSize): Row {
  return {
    name,
    what: `The same and an imitation mask as maps: ${describe(size)}`,
    prepare: (device) => {
      const { grid, truth } = makeInput(device, size);
      const map = () => {
        const assignment = assignAtss(grid, truth, { vlr: 'paper' });
        return [...Object.values(assignment), imitationRegion('finegrained', grid, truth)] as Tensor[];
      };
      const bytes = 4 * map().reduce((sum, { size }) => sum + size, 0);
      return { ...withCopy(device, bytes), record: map };
    },
  };
}

function describe({ batch, image, boxes }: RegionsSize): string {
  return `${batch} images of ${image}×${image}, ${boxes} boxes an image`;
}

function makeInput(device: Device, { batch, image, boxes }: RegionsSize) {
  const imageSize = { width: image, height: image };
  const grid = makeGrid({ imageSize, strides: STRIDES });
  const truth = uploadTruth(device, randomTruth({ batch, boxes, classes: CLASSES, ...imageSize }), {
    batch,
    classes: CLASSES,
  });
  return { grid, truth };
}

/** Bytes of the samples. */
async function listedBytes(counts: Tensor): Promise<number> {
  const values = await counts.read();
  let words = 0;
  for (let image = 0; image < values.length; image += COUNTS.stride) {
    words += SAMPLE_WORDS * values[image + COUNTS.samples];
  }
  return 4 * words;
}

/** What is read is next to nothing: the least bytes are those that are written. */
function withCopy(device: Device, bytes: number) {
  return { bytes, copy: copyOf(device, bytes), flop: null };
}
