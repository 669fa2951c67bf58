/**
 * `const NAME = value;` of a WGSL file, for TypeScript: `import { constants } from '../../shaders/x.wgsl'`.
 * `node scripts/wgslConstants.js` writes their types to src/wgsl.d.ts; a build does too.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, posix, sep } from 'node:path';
import { pathToFileURL } from 'node:url';

const TYPES = 'src/wgsl.d.ts';
const CONSTANT = /^const\s+(\w+)\s*(?::\s*\w+\s*)?=\s*([^;]+);/gm;
const NUMBER = /\b(0x[\da-fA-F]+|(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?)[uifh]?(?![\w.])/g;

/**
 * The numbers that a file declares itself, not those of its includes: literals, and sums, products and shifts of them and of
 * constants above. Others (vectors, what an `override` decides) are left out.
 * @param {string} source
 * @returns {Record<string, number>}
 */
export function constantsOf(source) {
  /** @type {Record<string, number>} */
  const constants = {};
  for (const [, name, value] of source.matchAll(CONSTANT)) {
    const expression = value
      .replace(NUMBER, '$1')
      .replace(/\b[A-Za-z_]\w*\b/g, (word) => (word in constants ? String(constants[word]) : word));
    // Numbers, + - * << ( ) alone: a division would have to know whether it is one of integers.
    if (!/^(?:0x[\da-fA-F]+|[\d.]+(?:e[-+]?\d+)?|\s|[-+*()]|<<)+$/.test(expression)) continue;
    constants[name] = Number(new Function(`return ${expression}`)());
  }
  return constants;
}

/** The declarations of all modules under shaders/. */
export function wgslTypes() {
  const files = readdirSync('shaders', { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.wgsl'))
    .map((file) => file.split(sep).join(posix.sep))
    .sort();
  const modules = files.flatMap((file) => {
    const fields = Object.keys(constantsOf(readFileSync(join('shaders', file), 'utf8')));
    if (fields.length === 0) return [];
    return [
      `declare module '*/shaders/${file}' {`,
      "  const source: readonly import('./gpu/wgsl.js').WgslPart[];",
      '  export default source;',
      '  export const constants: {',
      ...fields.map((name) => `    readonly ${name}: number;`),
      '  };',
      '}',
    ];
  });
  return `${[
    '// Written by scripts/wgslConstants.js (`npm run build`); not by hand.',
    '// A WGSL module with its includes expanded, in parts that kernels share, and the constants of the file itself.',
    ...modules,
    // Of two patterns that fit, TypeScript takes the one declared first.
    "declare module '*.wgsl' {",
    "  const source: readonly import('./gpu/wgsl.js').WgslPart[];",
    '  export default source;',
    '}',
  ].join('\n')}\n`;
}

/** Writes src/wgsl.d.ts where it has changed. */
export function writeWgslTypes() {
  const types = wgslTypes();
  if (readFileSync(TYPES, 'utf8') !== types) writeFileSync(TYPES, types);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) writeWgslTypes();
