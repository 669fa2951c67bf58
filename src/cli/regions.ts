import { type Command, Option } from 'commander';
import { assignmentStatistics, type ClassAssignment } from '../eval/assignmentStatistics.js';
import { type Recipe, recipeNames } from '../losses/recipe.js';
import { restoreNet } from '../onnx/students.js';
import { type Checkpoint, loadCheckpoint } from '../train/checkpoint.js';
import { assertSameHead } from '../train/comparable.js';
import { decimals, percent } from '../util/figures.js';
import { type AdapterOptions, addDeviceOptions, type Outcome, prints, withDevice } from './command.js';
import { counter } from './counter.js';
import {
  addDataOptions,
  assertClassesOf,
  DATA_HELP,
  type Data,
  type DataOptions,
  openData,
  SPLITS,
  type Split,
} from './data.js';
import { parsed } from './numbers.js';
import { readRecipe } from './recipe.js';
import { table } from './table.js';
import { configOf, DEFAULTS } from './training.js';

interface RegionsOptions extends AdapterOptions, DataOptions {
  recipe?: string;
  model?: string;
  split: Split;
  strides?: number[];
  width?: number;
  height?: number;
}

/** `edgewise regions DATA` */
export function addRegions(program: Command): void {
  const command = program
    .command('regions')
    .description('which locations learn which class: do the anchors fit the data, what does an assigner make of a net?')
    .argument('<data>', DATA_HELP)
    .option(
      '--recipe <name>',
      "a shipped recipe (listed below) or a .json file: its assigner and anchors count; default: the model's, or gfocal",
    )
    .option(
      '--model <run>',
      'folder of a training or one of its .safetensors files: what assigners other than ATSS go by',
    )
    .addOption(new Option('--split <name>', 'part of the data').choices(SPLITS).default('train'))
    .option('--strides <list>', 'pixels a cell of each level, such as 8,16,32', parsed.strides)
    .option('--width <pixels>', "network's input; default: as edgewise train", parsed.width)
    .option('--height <pixels>', 'likewise', parsed.height)
    .option('--images <n>', 'how many images of "shapes" to generate', parsed.images)
    .addHelpText('after', `\nRecipes: ${recipeNames.join(', ')}`);
  prints(addDeviceOptions(addDataOptions(command)), regions);
}

async function regions(data: string, options: RegionsOptions, command: Command): Promise<Outcome> {
  const checkpoint = options.model === undefined ? null : await loadCheckpoint(options.model);
  const fixed = checkpoint && (['strides', 'width', 'height'] as const).find((name) => options[name] !== undefined);
  if (fixed) command.error(`error: --${fixed} does not go with --model, whose own counts`);
  const own = checkpoint?.metadata;
  const recipe = own && options.recipe === undefined ? own.recipe : await readRecipe(options.recipe ?? 'gfocal');
  const names = own && { classes: own.classes.map(({ name }) => name) };
  const opened = await openData(data, options.split, { ...options, ...names });
  if (checkpoint) assertFits(checkpoint, recipe, opened);
  const { source } = opened;
  const defaults = { ...DEFAULTS, ...opened, ...own?.detector, classes: source.classes.length };
  const config = configOf({ ...options, size: 'tiny' }, defaults);
  const { strides, width, height } = config;
  const onProgress = counter('assigned', 'images');
  const classes = await withDevice(options, async (device) => {
    const model = checkpoint && (await restoreNet(device, checkpoint, 'average'));
    const work = { source, imageSize: { width, height }, strides, recipe, onProgress };
    try {
      return await assignmentStatistics(device, { ...work, ...(model && { model }) });
    } finally {
      model?.dispose();
    }
  });
  const { assigner, octaveScale } = recipe.regions;
  const anchors = assigner === 'atss' ? strides.map((stride) => stride * octaveScale) : null;
  const by = anchors
    ? `sides of the anchors: ${anchors.join(', ')} pixels`
    : `${assigner} by what ${options.model} predicts`;
  return {
    data: { width, height, strides, assigner, anchors, classes },
    text: `${table(rows(classes, strides))}\nInput ${width}×${height}; ${by}.`,
  };
}

/** @throws InputError where a model's bins mean other places than the recipe's, or its classes are not the data's */
function assertFits(checkpoint: Checkpoint, recipe: Recipe, opened: Data): void {
  assertClassesOf(checkpoint, opened);
  const { detector: config, recipe: own } = checkpoint.metadata;
  const model = { owner: `the model ${checkpoint.file}`, config, recipe: own };
  const remedy = () => `Leave --recipe out to take the model's, ${own.name}.`;
  assertSameHead({ owner: `the recipe ${recipe.name}`, config, recipe }, model, remedy);
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
