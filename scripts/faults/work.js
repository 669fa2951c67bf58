/** The work that the trials disturb: commands on few, small images, and what comes of each where nothing disturbs it. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { assert, run } from './process.js';

/**
 * A piece of work.
 * @typedef {object} Work
 * @property {string} name
 * @property {(out: string) => string[]} begin arguments of the command, whose results go into the folder `out`
 * @property {boolean} [resumes] where there is a checkpoint, it goes on with --resume; others with the same command
 */

const IMAGES = ['--images', '4'];
const TINY = ['--size', 'tiny', '--width', '64', '--height', '64', '--batch', '2', '--no-augment'];
const EPOCHS = ['--epochs', '8', '--evaluate-every', '0', '--checkpoint-every', '3'];
/** Of `edgewise export --onnx`. */
const MAPPING = {
  input: { order: 'rgb', white: 255, mean: [0, 0, 0], deviation: [1, 1, 1] },
  strides: [8, 16, 32],
  bins: 17,
  centreOffset: 0,
  scores: 'logits',
  tensors: [8, 16, 32].flatMap((stride) => [
    { tensor: `class_logits_${stride}`, axes: 'BCHW', strides: [stride], channels: ['classes'] },
    { tensor: `box_logits_${stride}`, axes: 'BCHW', strides: [stride], channels: ['boxes'] },
  ]),
  classes: ['ellipse', 'rectangle', 'triangle'],
};
const PLAN = {
  name: 'faults',
  seeds: [0],
  student: { size: 'tiny', width: 64, height: 64 },
  settings: { epochs: 2, batch: 2 },
  teachers: { default: { size: 'tiny' } },
  methods: [
    { name: 'alone', recipe: 'gfocal' },
    { name: 'taught', recipe: 'main-ld', teacher: 'default' },
  ],
};

/**
 * Prepares a folder with what the work needs: a teacher's run, its ONNX model with the mapping, a plan.
 * @param {string} folder
 * @returns {Promise<Work[]>}
 */
export async function prepareWork(folder) {
  const path = (/** @type {string} */ name) => join(folder, name);
  writeFileSync(path('plan.json'), JSON.stringify(PLAN));
  writeFileSync(path('mapping.json'), JSON.stringify(MAPPING));
  const training = [...IMAGES, ...TINY, ...EPOCHS];
  for (const command of [
    ['train', 'shapes', ...training, '--seed', '1', '--out', path('teacher')],
    ['export', path('teacher'), '--onnx', path('teacher.onnx')],
  ]) {
    const { code, output } = await run(command);
    assert(code === 0, output);
  }
  const shapes = ['shapes', ...IMAGES];
  const taught = ['--teacher', path('teacher'), '--recipe', 'main-kd+main-ld+vlr-ld'];
  return [
    { name: 'train', resumes: true, begin: (out) => ['train', 'shapes', ...training, '--out', out] },
    { name: 'distill', resumes: true, begin: (out) => ['distill', 'shapes', ...training, ...taught, '--out', out] },
    {
      name: 'distill, cached',
      resumes: true,
      begin: (out) => [
        'distill',
        'shapes',
        ...training,
        ...taught,
        '--teacher-cache',
        join(out, 'cache'),
        '--out',
        out,
      ],
    },
    { name: 'study', begin: (out) => ['study', path('plan.json'), ...shapes, '--val-images', '2', '--out', out] },
    {
      name: 'teach',
      begin: (out) => {
        const teach = ['teach', path('teacher.onnx'), ...shapes, '--mapping', path('mapping.json')];
        return [...teach, '--batch', '2', '--epochs', '8', '--no-augment', '--out', out];
      },
    },
  ];
}

/**
 * The command that goes on with a work.
 * @param {Work} work
 * @param {string} out
 * @param {boolean} hasCheckpoint
 */
export function goOn({ begin, resumes }, out, hasCheckpoint) {
  const command = begin(out);
  if (!resumes || !hasCheckpoint) return command;
  const only = (/** @type {string} */ name) => {
    const at = command.indexOf(name);
    return at < 0 ? [] : command.slice(at, at + 2);
  };
  return [...command.slice(0, 2), ...['--images', '--teacher', '--teacher-cache', '--out'].flatMap(only), '--resume'];
}
