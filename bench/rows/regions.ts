import { COUNTS, listRegions } from '../../src/losses/headLists.js';
import { resolveRecipe } from '../../src/losses/recipe.js';
import { assignAtss } from '../../src/regions/atss.js';
import { makeGrid } from '../../src/regions/grid.js';
import { imitationRegion } from '../../src/regions/imitation.js';
import { uploadTruth } from '../../src/regions/truth.js';
import { valuableRegion } from '../../src/regions/vlr.js';
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
const BINS = 17;

/** ATSS and the VLR as the lists that the head loss works on, with the map of locations that imitate if there is one. */
export function listsRow(name: string, size: RegionsSize, imitation?: 'finegrained'): Row {
  return {
    name,
    what: `ATSS and VLR as the head loss lists them${imitation ? `, ${imitation} imitation mask` : ''}: ${describe(size)}`,
    prepare: async (device) => {
      const { grid, truth } = makeInput(device, size);
      const setting = {
        device,
        recipe: resolveRecipe('reference'),
        grid,
        classes: CLASSES,
        bins: BINS,
        batch: size.batch,
      };
      const list = () => {
        if (imitation) imitationRegion(imitation, grid, truth);
        return listRegions(setting, truth);
      };
      const maskBytes = imitation ? 4 * size.batch * grid.locations : 0;
      return { ...withCopy(device, maskBytes + (await listedBytes(list().counts))), record: list };
    },
  };
}

/** The same as maps, one operation after the other, and the mask of fine-grained imitation. */
export function mapsRow(name: string, size: RegionsSize): Row {
  return {
    name,
    what: `ATSS, VLR and imitation mask as maps: ${describe(size)}`,
    prepare: (device) => {
      const { grid, truth } = makeInput(device, size);
      const map = () => {
        const assignment = assignAtss(grid, truth);
        const vlr = valuableRegion(grid, truth, assignment);
        return [...Object.values(assignment), vlr, imitationRegion('finegrained', grid, truth)] as Tensor[];
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

/** Bytes of the lists: four words a row. */
async function listedBytes(counts: Tensor): Promise<number> {
  const values = await counts.read();
  let words = 0;
  for (let image = 0; image < values.length; image += COUNTS.stride) {
    words += 4 * values[image + COUNTS.rows];
  }
  return 4 * words;
}

/** What is read is next to nothing: the least bytes are those that are written. */
function withCopy(device: Device, bytes: number) {
  return { bytes, copy: copyOf(device, bytes), flop: null };
}
