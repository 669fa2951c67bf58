import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, normalize } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CLI, PACKAGE, pack, program, project } from './package.js';

/** What a stranger gets: the archive that would be published, installed into empty folders. */

const { dependencies, optionalDependencies, exports } = PACKAGE;
const ENTRIES = Object.keys(exports).filter((entry) => !entry.endsWith('.json'));
const MEGABYTE = 1e6;

let folder: string;
/** With the optional dependencies and TensorFlow.js. */
let whole: string;
/** As `npm install edgewise --omit=optional` leaves it. */
let bare: string;
let files: string[];
let archive: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'edgewise-install-'));
  ({ archive, files } = await pack(folder));
  [whole, bare] = ['whole', 'bare'].map((name) => join(folder, name));
  const needed = Object.keys(dependencies);
  const peers = ['@tensorflow/tfjs-core', '@tensorflow/tfjs-backend-webgpu'];
  await project(whole, archive, [...needed, ...Object.keys(optionalDependencies), ...peers]);
  await project(bare, archive, needed);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('what is in the package', () => {
  test('every file that its package.json names, but for the declarations, which are made when it is packed', () => {
    const named = (value: unknown): string[] =>
      typeof value === 'string' ? [value] : Object.values(value as object).flatMap(named);
    const paths = named([exports, PACKAGE.bin, PACKAGE.unpkg, PACKAGE.jsdelivr]).map(normalize);
    const packed = (path: string) => files.includes(path) || path.startsWith(join('dist', 'types'));
    expect(paths.filter((path) => !packed(path))).toEqual([]);
  });

  test('all that its documents link to', () => {
    const pages = files.filter((path) => path.endsWith('.md') && !path.startsWith('docs/study/'));
    expect(pages).toEqual(expect.arrayContaining(['README.md', 'docs/install.md', 'docs/adapters.md']));
    const broken = pages.flatMap((page) => {
      const prose = readFileSync(page, 'utf8').replace(/^```[\s\S]*?^```/gm, '');
      const links = Array.from(prose.matchAll(/\]\(([^)\s#]+)[^)]*\)|(?:src|srcset)="([^"]+)"/g), (m) => m[1] ?? m[2]);
      const paths = links.filter((link) => !/^[a-z]+:/.test(link)).map((link) => normalize(join(dirname(page), link)));
      return paths.filter((path) => !files.some((file) => file === path || file.startsWith(`${path}/`)));
    });
    expect(broken).toEqual([]);
  });

  test('a driver, golden cases, plans, examples and source maps of all code', () => {
    const names = [
      'dist/swiftshader/NOTICE.txt',
      'dist/golden/small-bins.safetensors',
      'plans/paper.json',
      'LICENSE',
      'models/shapes-small/checkpoint.safetensors',
    ];
    expect(files).toEqual(expect.arrayContaining([...names, 'examples/own-buffers.js', 'dist/THIRD-PARTY.txt']));
    const code = files.filter((path) => /^dist\/.*\.js$/.test(path));
    expect(code.filter((path) => !files.includes(`${path}.map`))).toEqual([]);
  });

  test('nothing of tests or of other people’s source, and not much in all', () => {
    expect(files.filter((path) => /^(src|test|shaders|scripts)\//.test(path))).toEqual([]);
    const sources = files
      .filter((path) => path.endsWith('.js.map'))
      .flatMap((path) => JSON.parse(readFileSync(path, 'utf8')).sourcesContent as string[]);
    expect(sources.reduce((sum, text) => sum + text.length, 0)).toBeLessThan(4 * MEGABYTE);
    expect(readFileSync(archive).length).toBeLessThan(6.5 * MEGABYTE);
  });
});

describe('without the optional dependencies', () => {
  const edgewise = (...args: string[]) => program(bare, [CLI, ...args]);

  test('the command line starts', async () => {
    expect(await edgewise('--version')).toEqual({ code: 0, stdout: `${PACKAGE.version}\n`, stderr: '' });
    const { code, stdout } = await edgewise('--help');
    expect(code).toBe(0);
    for (const name of ['train', 'study', 'report', 'verify', 'doctor'])
      expect(stdout).toMatch(RegExp(`^ +${name} `, 'm'));
  });

  test('what needs neither GPU nor images works', async () => {
    const category = { id: 1, name: 'a' };
    const annotation = { id: 1, image_id: 1, category_id: 1, bbox: [0, 0, 9, 9], area: 81, iscrowd: 0 };
    const images = [{ id: 1, width: 32, height: 32, file_name: 'a.png' }];
    const write = (name: string, value: object) => writeFileSync(join(bare, name), JSON.stringify(value));
    write('truth.json', { images, annotations: [annotation], categories: [category] });
    write('found.json', [{ image_id: 1, category_id: 1, bbox: [0, 0, 9, 9], score: 0.5 }]);
    const found = await edgewise('evaluate', '--annotations', 'truth.json', '--detections', 'found.json', '--json');
    expect(JSON.parse(found.stdout).stats.slice(0, 3)).toEqual(Array(3).fill(expect.closeTo(1)));
    expect((await edgewise('study', '--list')).stdout).toMatch(/^paper /m);
  });

  test.each([
    ['webgpu', ['verify']],
    ['webgpu', ['train', 'shapes']],
    ['sharp', ['report', 'runs/student']],
  ])('%s is missing: said in one line', async (name, args) => {
    const { code, stderr } = await edgewise(...args);
    expect(code).toBe(1);
    const line = new RegExp(
      `^edgewise: the npm package ${name}, which .*, is not installed .*; npm install ${name}\n$`,
    );
    expect(stderr).toMatch(line);
  });

  test.each(ENTRIES.filter((entry) => entry !== './tfjs'))('import of %s', async (entry) => {
    const code = `import * as all from '${join('edgewise', entry)}'; console.log(Object.keys(all).length > 4);`;
    expect(await program(bare, ['--input-type=module', '--eval', code])).toEqual({
      code: 0,
      stdout: 'true\n',
      stderr: '',
    });
  });
});

describe('with them', () => {
  test('the package verifies itself', async () => {
    const { code, stdout } = await program(whole, [CLI, 'verify']);
    expect(stdout).toMatch(/small-bins: passed\n[\s\S]*\n3 cases passed\n$/);
    expect(code).toBe(0);
  });

  test('it trains', async () => {
    mkdirSync(join(whole, 'work'));
    const size = ['--size', 'tiny', '--width', '32', '--height', '32', '--strides', '8', '--bins', '5'];
    const short = ['--images', '2', '--batch', '2', '--epochs', '1', '--evaluate-every', '0', '--no-augment'];
    const { code } = await program(whole, [CLI, 'train', 'shapes', ...size, ...short, '--out', 'work/run']);
    expect(code).toBe(0);
    expect(existsSync(join(whole, 'work/run/checkpoint.safetensors'))).toBe(true);
  });

  test('its entries share their classes', async () => {
    const imports = ENTRIES.map((entry, i) => `import * as e${i} from '${join('edgewise', entry)}';`);
    const same = 'console.log(e0.Tensor === e1.Tensor, e0.Device === e1.Device);';
    const [first, second] = ENTRIES;
    expect([first, second]).toEqual(['.', './web']);
    const { stdout } = await program(whole, ['--input-type=module', '--eval', [...imports, same].join('\n')]);
    expect(stdout).toBe('true true\n');
  });
});
