/**
 * Loops marked as `for (var k = 0u; k < BINS; k++) { // unroll` become data, which src/gpu/assemble.ts writes out once for each
 * value of the counter when it knows the bound: a literal or an `override` constant.
 */

const MARK = /\{ *\/\/ unroll$/m;
const LOOP = /for \(var (\w+) = (\d+)u; \1 < (?:(\d+)u|(\w+)); \1\+\+\) \{ *\/\/ unroll$/m;

/**
 * A text as pieces: WGSL and loops.
 * @param {string} text
 * @param {object} options
 * @param {(text: string) => string} [options.minify] takes each piece of WGSL; instead of `from`
 * @param {{ file: string, line: number }} [options.from] where the text begins; comments of the WGSL then say so
 * @returns {import('../src/gpu/wgsl.js').WgslCode}
 * @throws Error for a marked loop of another form, or one that does not end in the text
 */
export function codeOf(text, { minify, from }) {
  const pieces = split(text);
  if (minify && pieces.length === 1) return minify(text);
  let line = from?.line ?? 1;
  let isStart = true;
  /** @param {string} piece */
  const finish = (piece) => {
    if (minify) return withEnds(piece, minify(piece));
    const marked = from ? withMark(piece, `// from ${from.file}:`, line, isStart) : piece;
    line += piece.split('\n').length - 1;
    isStart = false;
    return marked;
  };
  /** @param {ReturnType<typeof split>} pieces @returns {import('../src/gpu/wgsl.js').WgslCode} */
  const build = (pieces) => {
    const built = pieces
      .map((piece) => (typeof piece === 'string' ? finish(piece) : { ...piece, body: build(piece.body) }))
      .filter((piece) => piece !== '');
    const [first = '', ...more] = built;
    return more.length === 0 && typeof first === 'string' ? first : built;
  };
  return build(pieces);
}

/** A piece that was minified, with the ends of lines that it began and ended with. @param {string} piece @param {string} small */
function withEnds(piece, small) {
  if (small === '') return piece.includes('\n') ? '\n' : '';
  return `${/^\s*\n/.test(piece) ? '\n' : ''}${small}${/\n\s*$/.test(piece) ? '\n' : ''}`;
}

/**
 * Says where the code comes from, from the first whole line of a piece on.
 * @param {string} piece
 * @param {string} file
 * @param {number} line of the piece's beginning
 * @param {boolean} isStart whether it begins with a whole line
 */
function withMark(piece, file, line, isStart) {
  if (isStart) return `${file}${line}\n${piece}`;
  const end = piece.indexOf('\n') + 1;
  return piece.slice(end).trim() === '' ? piece : `${piece.slice(0, end)}${file}${line + 1}\n${piece.slice(end)}`;
}

/**
 * @typedef {{ counter: string, from: number, to: number | string, body: Pieces }} Loop
 * @typedef {(string | Loop)[]} Pieces
 * @param {string} text
 * @returns {Pieces}
 */
function split(text) {
  const loop = LOOP.exec(text);
  if (!loop) {
    const other = MARK.exec(text);
    if (other)
      throw new Error(`WGSL: a loop to unroll is written otherwise: ${text.slice(0, other.index).split('\n').at(-1)}`);
    return [text];
  }
  const [head, counter, from, literal, override] = loop;
  const start = loop.index + head.length;
  const end = closingBrace(text, start);
  if (end < 0) throw new Error(`WGSL: a loop to unroll does not end between two includes: ${head}`);
  const to = literal === undefined ? override : Number(literal);
  const body = split(text.slice(start, end));
  return [text.slice(0, loop.index), { counter, from: Number(from), to, body }, ...split(text.slice(end + 1))];
}

/**
 * Index of the brace that closes the block whose content begins at `start`; -1 where there is none.
 * @param {string} text
 * @param {number} start
 */
function closingBrace(text, start) {
  let depth = 1;
  for (const { 0: found, index } of text.slice(start).matchAll(/\/\/.*$|[{}]/gm)) {
    if (found === '{') depth++;
    else if (found === '}' && --depth === 0) return start + index;
  }
  return -1;
}
