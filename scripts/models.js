/**
 * Makes what the package ships trained: `npm run models`. A quarter of an hour on a fast machine; the bits depend on the adapter.
 * shapes-small is the teacher of the demo and of the page; the demo's students begin with the backbone of shapes-tiny.
 */
import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';

const SETTINGS = ['--images', '3072', '--lr', '0.01', '--warmup-steps', '50', '--no-augment', '--evaluate-every', '2'];

for (const [size, epochs] of [
  ['small', '8'],
  ['tiny', '6'],
]) {
  const [run, model] = [`runs/shapes-${size}`, `models/shapes-${size}`];
  rmSync(run, { recursive: true, force: true });
  edgewise('train', 'shapes', '--size', size, '--epochs', epochs, ...SETTINGS, '--out', run);
  rmSync(model, { recursive: true, force: true });
  edgewise('export', run, '--share', model);
}

/** @param {string[]} words */
function edgewise(...words) {
  execFileSync(process.execPath, ['dist/cli.js', ...words], { stdio: 'inherit' });
}
