/**
 * `npm run bench:memory`: the largest batch that kernels of an adapter can see, and the memory of a training step, with and without `--recompute`.
 * Computed from shapes; nothing runs.
 */
import { Command, Option } from 'commander';
import { table } from '../src/cli/table.js';
import { architectureOf, type DetectorSize, detectorConfig } from '../src/detector/config.js';
import type { AdapterPreference } from '../src/gpu/adapter.js';
import { resolveRecipe } from '../src/losses/recipe.js';
import { openDevice } from '../src/tensor/device.js';
import { largestStep, sizesOf, stepMemory, stepNeeds } from '../src/train/fits.js';
import { trainSettings } from '../src/train/settings.js';

const SIZES: readonly DetectorSize[] = ['tiny', 'small', 'base'];
const PRECISIONS = ['f32', 'f16'] as const;

interface Options {
  adapter: AdapterPreference;
  imageSize: [width: number, height: number];
  classes: number;
  batch?: number;
  teacher?: DetectorSize;
  /** False: as a pool without a plan has it. */
  plan: boolean;
}

const command = new Command('npm run bench:memory --')
  .description("The memory of a training step of edgewise's detectors, computed from shapes.")
  .addOption(
    new Option('--adapter <kind>', 'whose limits count')
      .choices(['auto', 'hardware', 'software', 'embedded'])
      .default('auto'),
  )
  .option('--image-size <size>', "the network's input", (text) => text.split('x').map(Number), [1280, 1280])
  .option('--classes <n>', 'number of classes', Number, 80)
  .option('--batch <n>', 'images at once; default 1, and the largest batch', Number)
  .addOption(new Option('--teacher <size>', 'frozen, for LD').choices(SIZES))
  .option('--no-plan', 'as a pool holds it that reuses buffers of one size alone');
command.parse();
const { adapter, imageSize, classes, batch, teacher, plan } = command.opts<Options>();
const [width, height] = imageSize;
const recipe = resolveRecipe(teacher ? 'main-ld' : 'gfocal');

const device = await openDevice({ adapter, tune: false });
try {
  const config = (size: DetectorSize) => detectorConfig({ size, classes, width, height });
  const taught = teacher && { config: config(teacher), featureChannels: architectureOf({ size: teacher }).features };
  const rows = SIZES.flatMap((size) =>
    PRECISIONS.flatMap((precision) => {
      if (precision === 'f16' && !device.gpu.features.has('shader-f16')) return [];
      const sizes = (recompute: boolean) => ({
        net: sizesOf(config(size), precision),
        recipe,
        settings: trainSettings({ precision, recompute }),
        teacher: taught ?? null,
      });
      const memory = (images: number) =>
        [false, true].map((recompute) => {
          const given = sizes(recompute);
          return mebibytes(
            plan ? stepMemory(device, { ...given, batch: images }) : stepNeeds(device, given)(images).held,
          );
        });
      const largest = largestStep(device, sizes(true));
      const cells = batch === undefined ? [...memory(1), String(largest), ...memory(largest)] : memory(batch);
      return [[size, precision, ...cells]];
    }),
  );
  const heading = (images: string) => [`${images}, MiB`, 'with `--recompute`'];
  const columns =
    batch === undefined ? [...heading('1 image'), 'largest batch', ...heading('its step')] : heading(`${batch} images`);
  const limit = mebibytes(device.largestBinding.bytes);
  console.log(table([['detector', 'maps', ...columns], ...rows]));
  console.log(
    `\n${width}×${height}, ${classes} classes, recipe ${recipe.name}; bindings of ${limit} MiB: ${device.adapter.name}`,
  );
} finally {
  await device.close();
}

function mebibytes(bytes: number): string {
  return Math.round(bytes / 2 ** 20).toString();
}
