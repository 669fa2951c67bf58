import { InputError } from '../util/error.js';
import type { WgslCode, WgslLoop, WgslPart } from './wgsl.js';

/** Loops that end beyond it stay as they are: so much code would not fit into an instruction cache. */
const MAX_TURNS = 64;

const DIRECTIVE = /\benable \w+;/g;

/** Where a line of WGSL comes from; scripts/wgslLoops.js writes these comments. */
const FROM = /^\/\/ from (.+):(\d+)$/;

/**
 * The WGSL of a kernel. Compilers of software adapters unroll not at all, or up to limits, and only unrolled do function-local
 * arrays become registers; so marked loops are written out, with the counter as a constant. Constants marked `// const` get their values.
 * @param parts a part that comes twice, since what was joined includes the same file, counts once
 * @param unrolled whether loops are written out
 * @param constants values of the `override` constants; `defaults` has those not given
 * @throws InputError when the bound of a loop is none of them
 */
export function assemble(
  kernel: string,
  parts: readonly WgslPart[],
  unrolled: boolean,
  constants: Record<string, number>,
  defaults: Record<string, number>,
): string {
  const write = (code: WgslCode): string =>
    typeof code === 'string' ? code : code.map((piece) => (typeof piece === 'string' ? piece : turns(piece))).join('');
  const turns = ({ counter, from, to, body }: WgslLoop): string => {
    const written = write(body);
    if (!unrolled || boundOf(to) > MAX_TURNS) {
      const bound = typeof to === 'number' ? `${to}u` : to;
      return `for (var ${counter} = ${from}u; ${counter} < ${bound}; ${counter}++) {${written}}`;
    }
    let all = '{\n';
    for (let value = from; value < boundOf(to); value++) all += `{ const ${counter} = ${value}u;${written}}\n`;
    return `${all}}`;
  };
  const boundOf = (to: number | string): number => {
    const bound = typeof to === 'number' ? to : (constants[to] ?? defaults[to]);
    if (bound !== undefined) return bound;
    throw new InputError(`kernel ${kernel}: a loop to unroll ends at ${to}; expected a literal or an override u32.`);
  };
  const fix = (text: string, name: string) => {
    const value = constants[name] ?? defaults[name];
    const declared = new RegExp(`\\boverride ${name}\\b[^;]*`);
    return value === undefined ? text : text.replace(declared, `const ${name} = ${value}u`);
  };
  const texts = parts.map((part) =>
    typeof part === 'string' ? part : (part.fixed ?? []).reduce(fix, write(part.code)),
  );
  const whole = [...new Set(texts)].join('\n');
  // Directives come before all else. Their lines stay, so that `located` counts right.
  const directives = whole.match(DIRECTIVE);
  return directives ? `${directives.join(' ')}\n${whole.replace(DIRECTIVE, '')}` : whole;
}

/**
 * What a compiler says of assembled WGSL, with file and line of the source; where comments are left out, with the line's text.
 * @param message of the compiler, about a line and column, from 1
 */
export function located(code: string, message: { lineNum: number; linePos: number; message: string }): string {
  const lines = code.split('\n');
  const text = lines[message.lineNum - 1]?.trim() ?? '';
  for (let above = message.lineNum - 2; above >= 0; above--) {
    const from = FROM.exec(lines[above]);
    if (!from) continue;
    const [, file, first] = from;
    return `${file}:${Number(first) + message.lineNum - 2 - above}:${message.linePos}: ${message.message}: ${text}`;
  }
  return `${message.message}: ${text}`;
}
