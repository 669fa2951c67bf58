import { dirname } from 'node:path';
import type { Command } from 'commander';
import { exportOnnx } from '../onnx/export.js';
import { type Checkpoint, loadCheckpoint } from '../train/checkpoint.js';
import { saveWeights, weightsOf } from '../train/weights.js';
import { removeLeftovers, writeWhole } from '../util/atomicFile.js';
import { type Outcome, prints } from './command.js';

interface ExportOptions {
  onnx?: string;
  safetensors?: string;
}

/** `edgewise export RUN --onnx FILE --safetensors FILE` */
export function addExport(program: Command): void {
  const command = program
    .command('export')
    .description('write a trained detector for other programs; needs no adapter')
    .argument('<run>', 'folder of a training (then its latest state), or one of its .safetensors files')
    .option('--onnx <file>', 'an ONNX model: images in 0 … 255 to logits, boxes and scores')
    .option('--safetensors <file>', 'the averaged weights, by name; --init of train and distill reads them');
  prints(command, exportRun);
}

async function exportRun(run: string, { onnx, safetensors }: ExportOptions, command: Command): Promise<Outcome> {
  if (onnx === undefined && safetensors === undefined) {
    command.error('error: give --onnx FILE, --safetensors FILE, or both');
  }
  const checkpoint = await loadCheckpoint(run);
  if (onnx !== undefined) await writeOnnx(onnx, checkpoint);
  if (safetensors !== undefined) await saveWeights(safetensors, checkpoint);
  const written = [onnx, safetensors].filter((file) => file !== undefined);
  for (const file of written) await removeLeftovers(dirname(file));
  return {
    data: { run, onnx: onnx ?? null, safetensors: safetensors ?? null },
    text: `Written: ${written.join(', ')}`,
  };
}

async function writeOnnx(file: string, checkpoint: Checkpoint): Promise<void> {
  const model = await exportOnnx({ ...checkpoint.metadata, weights: weightsOf(checkpoint) });
  await writeWhole(file, model);
}
