import { InputError } from '../util/error.js';

/** Loops that end beyond it stay as they are: so much code would not fit into an instruction cache. */
const MOST_TURNS = 64;
const MARK = ' // unroll';
const LOOP = new RegExp(`for \\(var (\\w+) = (\\d+)u; \\1 < (\\w+); \\1\\+\\+\\) \\{${MARK}`);

/**
 * Writes out the loops of a kernel that are marked as
 * `for (var k = 0u; k < BINS; k++) { // unroll`: once for each value of the counter, as a constant. The bound is a literal
 * or an `override` constant. Compilers of software adapters unroll not at all, or up to limits, and only then do
 * function-local arrays become registers.
 * @param constants values of the `override` constants; those not given have the default of the source
 * @throws InputError when a bound is neither
 */
export function unroll(kernel: string, source: string, constants: Record<string, number>): string {
  let code = source;
  for (let loop = LOOP.exec(code); loop; loop = LOOP.exec(code)) {
    const [head, counter, first, bound] = loop;
    const start = loop.index + head.length;
    const end = closingBrace(code, start);
    const body = code.slice(start, end);
    let turns = '';
    const last = boundOf(kernel, code, bound, constants);
    if (last > MOST_TURNS) {
      code = `${code.slice(0, start - MARK.length)}${code.slice(start)}`;
      continue;
    }
    for (let i = Number(first); i < last; i++) {
      turns += `{ const ${counter} = ${i}u;${body}}\n`;
    }
    code = `${code.slice(0, loop.index)}{\n${turns}${code.slice(end)}`;
  }
  return code;
}

function boundOf(kernel: string, code: string, bound: string, constants: Record<string, number>): number {
  const literal = /^(\d+)u$/.exec(bound) ?? new RegExp(`override ${bound}: u32 = (\\d+)u;`).exec(code);
  const value = constants[bound] ?? literal?.[1];
  if (value === undefined) {
    throw new InputError(`kernel ${kernel}: a loop to unroll ends at ${bound}; expected a literal or an override u32.`);
  }
  return Number(value);
}

/** Index of the brace that closes the block whose content begins at `start`. */
function closingBrace(code: string, start: number): number {
  let depth = 1;
  let end = start;
  for (; depth > 0 && end < code.length; end++) {
    if (code[end] === '{') depth++;
    else if (code[end] === '}') depth--;
  }
  return end - 1;
}
