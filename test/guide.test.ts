import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Command } from 'commander';
import { describe, expect, test } from 'vitest';
import { parseCoco } from '../src/data/coco.js';
import { recipeNames, resolveRecipe } from '../src/losses/recipe.js';
import { readPlan } from '../src/study/plan.js';
import { DEFAULT_SETTINGS } from '../src/train/settings.js';

const text = (file: string) => readFileSync(file, 'utf8');
const filesIn = (folder: string, ending: string) =>
  readdirSync(folder)
    .filter((name) => name.endsWith(ending))
    .map((name) => `${folder}/${name}`);
const PAGES = ['README.md', ...filesIn('docs', '.md'), ...filesIn('docs/notes', '.md')];

/** The rows of the table with these first two headings: cells without their backticks. */
function tableOf(page: string, ...headings: string[]): string[][] {
  const lines = text(page).split('\n');
  const cells = (line: string) =>
    line
      .slice(1, line.lastIndexOf('|'))
      .split(/(?<!\\)\|/)
      .map((cell) => cell.trim().replaceAll('`', ''));
  const start = lines.findIndex((line) => line.startsWith('|') && headings.every((name, i) => cells(line)[i] === name));
  expect(start, `${page}: no table ${headings}`).toBeGreaterThan(-1);
  const length = lines.slice(start).findIndex((line) => !line.startsWith('|'));
  return lines.slice(start + 2, start + length).map(cells);
}

/** The fenced blocks of a language. */
function blocksOf(page: string, language: string): string[] {
  return Array.from(
    text(page).matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\``, 'gm')),
    ([, code]) => code,
  );
}

describe('train.md', () => {
  const page = 'docs/train.md';

  test('lists every setting of a training with its default', () => {
    const rows = tableOf(page, 'option', 'setting').map(([, setting, standard]) => [setting, standard]);
    const settings = Object.entries(DEFAULT_SETTINGS).map(([name, value]) => [name, String(value) || 'none']);
    expect(Object.fromEntries(rows)).toEqual(Object.fromEntries(settings));
  });

  test('names every shipped recipe, and no other', () => {
    const named = tableOf(page, 'shipped recipe').flatMap(([names]) => names.split(', '));
    const imitations = named.filter((name) => name.startsWith('imitation-'));
    const all = named.flatMap((name) =>
      name.endsWith('+imitation-…') ? imitations.map((own) => name.replace('imitation-…', own)) : name,
    );
    expect(all.sort()).toEqual([...recipeNames].sort());
  });

  test('its data, recipe and plan are valid', async () => {
    const [data, recipe, plan, ...rest] = blocksOf(page, 'json');
    expect(rest).toEqual([]);
    expect(parseCoco(JSON.parse(data), 'train.json').images[0].boxes).toEqual(Float32Array.of(20, 30, 120, 110));
    expect(resolveRecipe(JSON.parse(recipe)).ld.temperature).toBe(15);
    const folder = mkdtempSync(join(tmpdir(), 'edgewise-plan-'));
    try {
      writeFileSync(join(folder, 'plan.json'), plan);
      expect((await readPlan(join(folder, 'plan.json'))).methods).toHaveLength(3);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

/** The command of the command line that a file of src/cli/ adds. */
async function commandOf(name: string): Promise<Command> {
  const module = (await import(`../src/cli/${name}.ts`)) as Record<string, (program: Command) => void>;
  const program = new Command();
  module[`add${name[0].toUpperCase()}${name.slice(1)}`](program);
  return program.commands[0];
}

const commandLines = PAGES.flatMap((page) =>
  blocksOf(page, 'sh').flatMap((block) =>
    block
      .replaceAll('\\\n', ' ')
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => line.startsWith('edgewise '))
      .map((line) => ({ page, line })),
  ),
);

test.each(commandLines)('$page: $line', async ({ line }) => {
  const [, name, ...words] = line.replace(/\s#.*/, '').split(/\s+/);
  const command = await commandOf(name);
  const options = words.filter((word) => word.startsWith('--'));
  const known = command.options.flatMap(({ long, short }) => [long, short]);
  expect(known).toEqual(expect.arrayContaining(options));
});

test('the messages of adapters.md are those of the code', () => {
  const files = ['src/gpu', 'src/tensor', 'src/losses', 'src/detector', 'src/util'].flatMap((layer) =>
    filesIn(layer, '.ts'),
  );
  // Strings that go on in the next line become one.
  const code = files.map((file) => text(file).replace(/(['"`])\s*\+\s*['"`]/g, '')).join('\n');
  const messages = tableOf('docs/adapters.md', 'message', 'what to do').map(([message]) => message);
  expect(messages.length).toBeGreaterThan(20);
  const parts = messages.flatMap((message) => message.split('…'));
  const absent = parts.filter((part) => part.trim().length > 3 && !code.includes(part.trim()));
  expect(absent).toEqual([]);
});

/** The anchors that a page's headings have where Markdown is shown. */
function anchorsOf(page: string): string[] {
  return Array.from(text(page).matchAll(/^#+ (.*)$/gm), ([, heading]) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

test.each([...PAGES, 'CHANGELOG.md'])('the links and images of %s exist', (page) => {
  const prose = text(page).replace(/^```[\s\S]*?^```/gm, '');
  const targets = Array.from(
    prose.matchAll(/\]\(([^)\s]+)\)|(?:src|srcset|href)="([^"]+)"/g),
    ([, link, attribute]) => link ?? attribute,
  ).filter((target) => !/^[a-z]+:/.test(target));
  const broken = targets.filter((target) => {
    const [path, anchor] = target.split('#');
    const file = path === '' ? page : join(dirname(page), path);
    return !existsSync(file) || (anchor !== undefined && !anchorsOf(file).includes(anchor));
  });
  expect(broken).toEqual([]);
});

test('the reference has every entry point of the package', () => {
  const { exports } = JSON.parse(text('package.json')) as { exports: Record<string, { types?: string }> };
  const sources = Object.values(exports).flatMap(({ types }) => types ?? []);
  const { entryPoints } = JSON.parse(text('typedoc.json')) as { entryPoints: string[] };
  const declarations = entryPoints.map((file) => file.replace('src/', './dist/types/').replace(/\.ts$/, '.d.ts'));
  expect(declarations.sort()).toEqual(sources.sort());
});

describe('ARCHITECTURE.md', () => {
  const page = 'docs/ARCHITECTURE.md';

  test('has the layers in the order of the import rule', () => {
    const [, list] = text('.dependency-cruiser.cjs').match(/const \w+ = \[([^\]]*)\]/) ?? [];
    const layers = Array.from(list.matchAll(/'(\w+)'/g), ([, layer]) => layer);
    expect(tableOf(page, 'layer', 'what it is for').map(([layer]) => layer)).toEqual(layers);
  });

  test('names files that exist', () => {
    const files = ['src', 'shaders', 'test', 'bench'].flatMap((folder) =>
      readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((file) => `/${folder}/${file}`),
    );
    const named = Array.from(text(page).matchAll(/`([\w./-]+\.(?:ts|wgsl))`/g), ([, file]) => file);
    expect(named.length).toBeGreaterThan(40);
    const absent = named.filter((name) => !name.includes('NAME') && !files.some((file) => file.endsWith(`/${name}`)));
    expect(absent).toEqual([]);
  });
});

test('the glossary has every type of the library that the pages name', () => {
  const code = text('src/index.ts').replace(/\/\*\*[\s\S]*?\*\/|from '.*?'/g, '');
  const exported = Array.from(code.matchAll(/\b[A-Z][a-z]\w+/g), ([name]) => name);
  const pages = PAGES.map(text).join('\n');
  const named = exported.filter((name) => new RegExp(`\`(?:new )?${name}\\b[^\`\n]*\``).test(pages));
  expect(named.length).toBeGreaterThan(5);
  const glossary = text('docs/GLOSSARY.md');
  expect(named.filter((name) => !new RegExp(`\`${name}\\b`).test(glossary))).toEqual([]);
});
