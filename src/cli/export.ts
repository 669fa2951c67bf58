import { dirname } from 'node:path';
import type { Command } from 'commander';
import { exportOnnx } from '../onnx/export.js';
import { exportOnnxStudent } from '../onnx/students.js';
import { type Checkpoint, detectorOf, loadCheckpoint } from '../train/checkpoint.js';
import { shareRun } from '../train/shareRun.js';
import { saveWeights, weightsOf } from '../train/weights.js';
import { removeLeftovers, writeWhole } from '../util/atomicFile.js';
import { type Outcome, prints } from './command.js';

interface ExportOptions {
  onnx?: string;
  safetensors?: string;
  share?: string;
}

/** `edgewise export RUN --onnx FILE --safetensors FILE --share FOLDER` */
export function addExport(program: Command): void {
  const command = program
    .command('export')
    .description('write a trained detector for other programs; needs no adapter')
    .argument('<run>', 'folder of a training (then its latest state), or one of its .safetensors files')
    .option(
      '--onnx <file>',
      'an ONNX model: images in 0 … 255 to logits, boxes and scores; of an ONNX student the same file back, better, and its mapping beside it',
    )
    .option('--safetensors <file>', 'the averaged weights, by name; --init of train and distill reads them')
    .option('--share <folder>', 'the run in short, as half floats: to teach, to evaluate and to report');
  prints(command, exportRun);
}

async function exportRun(run: string, { onnx, safetensors, share }: ExportOptions, command: Command): Promise<Outcome> {
  if (onnx === undefined && safetensors === undefined && share === undefined) {
    command.error('error: give --onnx FILE, --safetensors FILE, --share FOLDER, or several');
  }
  const checkpoint = await loadCheckpoint(run);
  const mapping = onnx === undefined ? null : await writeOnnx(onnx, checkpoint);
  if (safetensors !== undefined) await saveWeights(safetensors, checkpoint);
  if (share !== undefined) await shareRun(run, share);
  const files = [onnx, mapping, safetensors].filter((file) => typeof file === 'string');
  for (const file of files) await removeLeftovers(dirname(file));
  return {
    data: { run, onnx: onnx ?? null, mapping, safetensors: safetensors ?? null, share: share ?? null },
    text: `Written: ${[...files, share].filter((path) => path !== undefined).join(', ')}`,
  };
}

/** @returns the mapping's file, where the model was an ONNX model before it learned */
async function writeOnnx(file: string, checkpoint: Checkpoint): Promise<string | null> {
  if (checkpoint.metadata.student) {
    const { model, mapping } = await exportOnnxStudent(checkpoint);
    const mappingFile = `${file.replace(/\.onnx$/, '')}.mapping.json`;
    await writeWhole(file, model);
    await writeWhole(mappingFile, `${JSON.stringify(mapping, null, 2)}\n`);
    return mappingFile;
  }
  const model = await exportOnnx({
    ...checkpoint.metadata,
    detector: detectorOf(checkpoint),
    weights: weightsOf(checkpoint),
  });
  await writeWhole(file, model);
  return null;
}
