import { Random } from '../../src/tensor/random.js';
import { KINDS } from './kinds.js';
import { pick } from './mutate.js';

const COMMANDS: readonly (readonly string[])[] = [
  ['train', 'nowhere', '--size', 'tiny', '--epochs', '1'],
  ['distill', 'nowhere', '--teacher', 'nowhere'],
  ['teach', 'nowhere.onnx', 'nowhere', '--mapping', 'nowhere.json', '--out', 'out'],
  ['evaluate', 'nowhere', 'nowhere', '--split', 'val'],
  ['evaluate', '--annotations', 'nowhere.json', '--detections', 'nowhere.json'],
  ['regions', 'nowhere', '--strides', '8,16', '--recipe', 'gfocal'],
  ['study', 'nowhere.json', 'nowhere', '--out', 'out', '--seeds', '0,1'],
  ['study', '--results', 'nowhere'],
  ['report', 'nowhere', '--out', 'report.html'],
  ['export', 'nowhere', '--onnx', 'out.onnx'],
  ['verify', 'nowhere.safetensors'],
  ['help', 'verify'],
];
const WORDS = [
  '',
  ' ',
  '-',
  '--',
  '.',
  '..',
  '/',
  '/dev/null',
  '/proc/self/status',
  '-1',
  '0',
  '1e999',
  '1e6',
  'NaN',
  '0x10',
  '8,',
  ',',
  '\u001b[31mred',
  '../../nowhere',
  'x'.repeat(5000),
  '__proto__',
  'constructor',
  '--json',
  '--help',
  '--nothing',
  '--adapter',
  '--adapter=cloud',
  '--out',
  '--recipe=\ud83d',
];

/** A command with mutated words, or one that reads a mutated input of a kind, to be run in a folder. */
export async function commandCase(seed: number, number: number, folder: string): Promise<string[]> {
  const random = Random.of(seed, number, 1);
  const json = random.next() < 0.5 ? ['--json'] : [];
  if (random.next() < 0.6) {
    const kind = pick(
      random,
      KINDS.filter(({ command }) => command),
    );
    await kind.write(folder, random);
    return [...(kind.command ?? []), ...json];
  }
  const words = [...pick(random, COMMANDS)];
  for (let i = 1 + random.integer(3); i > 0; i--) {
    const at = random.integer(words.length + 1);
    words.splice(at, random.integer(2), ...(random.next() < 0.8 ? [pick(random, WORDS)] : []));
  }
  return [...words, ...json];
}
