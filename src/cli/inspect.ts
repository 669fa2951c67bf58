import type { Command } from 'commander';
import { type Inspection, inspectModel } from '../onnx/graph/inspection.js';
import { readModel } from '../onnx/readModel.js';
import { InputError } from '../util/error.js';
import { type Outcome, prints } from './command.js';
import { parsed } from './numbers.js';
import { table } from './table.js';

interface InspectOptions {
  outputs?: string;
  batch?: number;
  width?: number;
  height?: number;
}

/** `edgewise inspect MODEL` */
export function addInspect(program: Command): void {
  const command = program
    .command('inspect')
    .description('show what an ONNX model is made of, what of it can be trained, and what stands in the way')
    .argument('<model>', 'an .onnx file')
    .option('--outputs <names>', 'tensors to stop at, separated by commas; default: the outputs of the model')
    .option('--batch <n>', 'images at once, where the model leaves that open', parsed.batch)
    .option('--width <pixels>', 'of the images, likewise', parsed.width)
    .option('--height <pixels>', 'likewise', parsed.height);
  prints(command, inspect);
}

async function inspect(file: string, options: InspectOptions): Promise<Outcome> {
  const { model, name } = await readModel(file);
  const outputs = options.outputs?.split(',').filter((one) => one !== '');
  if (outputs?.length === 0) throw new InputError('--outputs names no tensor.');
  const found = await inspectModel(model, { name, ...(outputs && { outputs }), open: options });
  return { data: found, text: describe(found) };
}

function describe(found: Inspection): string {
  const { trainable, constants, flops, faults } = found;
  const port = ({ name, shape }: Inspection['inputs'][number]) => `${name} [${shape.join(', ')}]`;
  const lines = [
    ['model', `${found.model}, opset ${found.opset}`],
    ['inputs', found.inputs.map(port).join(', ')],
    ['outputs', found.outputs.map(port).join(', ') || 'none that can be read'],
    ['runs as', `${found.operations} operations`],
    ['trainable', `${grouped(trainable.elements)} parameters in ${trainable.tensors} tensors`],
    ['constant', `${grouped(constants.elements)} numbers in ${constants.tensors} tensors`],
    ['FLOPs', `${giga(flops.convolutions)} of convolutions, ${giga(flops.products)} of matrix products`],
  ];
  const rows = found.operators.map(({ operator, count, known }) => [operator, `${count}`, known ? '' : 'not known']);
  const verdict = faults.length === 0 ? 'It can be trained.' : ['It cannot be trained as it is:', ...faults].join('\n');
  return [
    lines.map(([name, value]) => `${`${name}:`.padEnd(11)}${value}`).join('\n'),
    table([['operator', 'nodes', ''], ...rows]),
    verdict,
  ].join('\n\n');
}

function grouped(count: number): string {
  return count.toLocaleString('en');
}

function giga(flops: number): string {
  return `${(flops / 1e9).toFixed(3)} G`;
}
