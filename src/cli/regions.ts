import { type Command, Option } from 'commander';
import { assignmentStatistics, type ClassAssignment } from '../eval/assignmentStatistics.js';
import { recipeNames } from '../losses/recipe.js';
import { decimals, percent } from '../util/figures.js';
import { type AdapterOptions, addDeviceOptions, type Outcome, prints, withDevice } from './command.js';
import { counter } from './counter.js';
import { addDataOptions, DATA_HELP, type DataOptions, openData, SPLITS, type Split } from './data.js';
import { parsed } from './numbers.js';
import { readRecipe } from './recipe.js';
import { table } from './table.js';
import { configOf, DEFAULTS } from './training.js';

interface RegionsOptions extends AdapterOptions, DataOptions {
  recipe: string;
  split: Split;
  strides?: number[];
  width?: number;
  height?: number;
}

/** `edgewise regions DATA` */
export function addRegions(program: Command): void {
  const command = program
    .command('regions')
    .description('which locations learn which class, before anything is trained: do the anchors fit the data?')
    .argument('<data>', DATA_HELP)
    .option('--recipe <name>', 'a shipped recipe (listed below) or a .json file: its field regions counts', 'gfocal')
    .addOption(new Option('--split <name>', 'part of the data').choices(SPLITS).default('train'))
    .option('--strides <list>', 'pixels a cell of each level, such as 8,16,32', parsed.strides)
    .option('--width <pixels>', "network's input; default: as edgewise train", parsed.width)
    .option('--height <pixels>', 'likewise', parsed.height)
    .option('--images <n>', 'how many images of "shapes" to generate', parsed.images)
    .addHelpText('after', `\nRecipes: ${recipeNames.join(', ')}`);
  prints(addDeviceOptions(addDataOptions(command)), regions);
}

async function regions(data: string, options: RegionsOptions): Promise<Outcome> {
  const recipe = await readRecipe(options.recipe);
  const opened = await openData(data, options.split, options);
  const { source } = opened;
  const config = configOf({ ...options, size: 'tiny' }, { ...DEFAULTS, ...opened, classes: source.classes.length });
  const { strides, width, height } = config;
  const onProgress = counter('assigned', 'images');
  const classes = await withDevice(options, (device) =>
    assignmentStatistics(device, { source, imageSize: { width, height }, strides, recipe, onProgress }),
  );
  const anchors = strides.map((stride) => stride * recipe.regions.octaveScale);
  return {
    data: { width, height, strides, anchors, classes },
    text: `${table(rows(classes, strides))}\nInput ${width}×${height}; sides of the anchors: ${anchors.join(', ')} pixels.`,
  };
}

/** Shares of levels in percent of all positives, so that a level's column tells who shares it. */
function rows(classes: readonly ClassAssignment[], strides: readonly number[]): string[][] {
  const total = classes.reduce((sum, { positives }) => sum + add(positives), 0);
  return [
    [
      'class',
      'objects',
      'side px',
      'positives each',
      'without any',
      ...strides.map((stride) => `% at stride ${stride}`),
    ],
    ...classes.map(({ name, objects, side, unassigned, positives }) => [
      name,
      String(objects),
      decimals(objects > 0 ? side : null, 1),
      decimals(add(positives) / objects, 1),
      String(unassigned),
      ...positives.map((n) => percent(n / total)),
    ]),
  ];
}

function add(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}
