/** Makes the teacher of the page from a run of `edgewise train shapes`: `npm run web:teacher` does both. */
import { execFileSync } from 'node:child_process';
import { bundle } from './bundle.js';

const [run = 'runs/web-teacher', file = 'src/web/page/teacher.safetensors'] = process.argv.slice(2);
await bundle({ entryPoints: { shipTeacher: 'src/web/shipTeacher.ts' }, outdir: 'dist/scripts' });
execFileSync(process.execPath, ['dist/scripts/shipTeacher.js', run, file], { stdio: 'inherit' });
