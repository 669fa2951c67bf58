import { dirname } from 'node:path';
import type { Command } from 'commander';
import { exportOnnx } from '../onnx/export.js';
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
    .option('--onnx <file>', 'an ONNX model: images in 0 … 255 to logits, boxes and scores')
    .option('--safetensors <file>', 'the averaged weights, by name; --init of train and distill reads them')
    .option('--share <folder>', 'the run in short, as half floats: to teach, to evaluate and to report');
  prints(command, exportRun);
}

async function exportRun(run: string, { onnx, safetensors, share }: ExportOptions, command: Command): Promise<Outcome> {
  if (onnx === undefined && safetensors === undefined && share === undefined) {
    command.error('error: give --onnx FILE, --safetensors FILE, --share FOLDER, or several');
  }
  const checkpoint = await loadCheckpoint(run);
  if (onnx !== undefined) await writeOnnx(onnx, checkpoint);
  if (safetensors !== undefined) await saveWeights(safetensors, checkpoint);
  if (share !== undefined) await shareRun(run, share);
  const files = [onnx, safetensors].filter((file) => file !== undefined);
  for (const file of files) await removeLeftovers(dirname(file));
  return {
    data: { run, onnx: onnx ?? null, safetensors: safetensors ?? null, share: share ?? null },
    text: `Written: ${[...files, share].filter((path) => path !== undefined).join(', ')}`,
  };
}

async function writeOnnx(file: string, checkpoint: Checkpoint): Promise<void> {
  const model = await exportOnnx({
    ...checkpoint.metadata,
    detector: detectorOf(checkpoint),
    weights: weightsOf(checkpoint),
  });
  await writeWhole(file, model);
}
